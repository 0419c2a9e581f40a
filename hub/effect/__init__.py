"""The effect of a recipe, and of the options that it tries out: counted without anybody's name, compared by arithmetic.

`counting` writes down, in the transaction of what causes it; `reading` adds up; the rest is pure: `intervals`,
`evidence`, `findings`.
"""
