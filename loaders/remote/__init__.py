"""Models that a server runs, over OpenAI's completions protocol; nothing here loads weights.

Where a server is and what it is called there comes from the operator's family file alone: no page,
no visitor and no endpoint of this project can name a URL.
"""
