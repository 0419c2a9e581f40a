"""Logging in to accounts by OAuth 2, and keeping the logins.

apps        the hub's own app at each provider
connecting  the owner's way: to the provider, back again, and to a connection that is saved
tokens      the two calls at a provider's token endpoint
login       what is kept of a login beside its access token
renewing    tokens renewed ahead of time, by one process at a time
"""
