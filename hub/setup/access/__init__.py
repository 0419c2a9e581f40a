"""Who may see the pages, and what they may do there.

Of words that let somebody in (links, sessions) only keyed hashes are stored, so neither the database nor a backup lets
anybody in. A new secret key ends them all; users and their passwords stay.
"""
