"""Where logs come from. Each source gives blocks of whole lines and says what it could not read."""
