"""The HTTP API of the service: what it knows, to read; what operators may order; health, metrics, previews.

One table of routes (``routes``) makes the router, the roles that each needs and the OpenAPI document, so they cannot disagree.
Handlers read the service's latest snapshot and hand orders to its loop; they never touch a host or the store.
"""
