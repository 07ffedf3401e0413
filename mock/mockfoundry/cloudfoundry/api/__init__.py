"""The Cloud Controller's API: one plain function an operation, its messages and presenters. Never knows HTTP.

Here are the two tables of operations, and what operations of many resources share. Each folder has the operations of
one kind of resource; `lists` is what all their lists are made of.
"""
