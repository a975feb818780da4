"""The input of the checker: a folder, an archive or a git revision, read without trusting it.

Nothing of a tree is executed, written to disk or followed out of the tree, and every size has a
limit. What is left out is said in `Tree.problems`.
"""
