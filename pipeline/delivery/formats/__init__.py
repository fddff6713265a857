"""The forms that receivers know: one module each."""
