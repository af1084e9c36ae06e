"""Models behind OpenAI-compatible servers: `server:URL#model`, and `server:URL1,URL2#model` for a fleet.

    address     what the MODEL string says, and the key
    faults      what can go wrong with a request, and how long to wait
    protocol    a request as JSON, a reply out of JSON: the chat and the text protocol
    exchange    one HTTP request, in bounded time and memory
    fleet       which server is asked next, which is left in peace
    model       the whole, as a `Model`

The client is httpx2, imported when a server is asked.
"""
