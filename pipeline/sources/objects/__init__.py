"""The objects of a cluster, listed once and watched from then on.

api           what is asked of an API server: the seam
kinds         which kinds are watched, and what each tells
answers       lists and watch events as they come -> facts; nothing else of an object is kept
list_watch    one kind: list, watch, and what to do when either fails
named_secrets which Secrets hold the certificates of webhooks
secret_watch  these, by name: read, and read again
refusals      rights that are missing, in sentences
source        all kinds of one cluster as one source of the daemon
"""
