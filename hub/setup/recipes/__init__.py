"""What the pages about recipes show: the way of a recipe, its settings as a form, what switching it on or off means."""
