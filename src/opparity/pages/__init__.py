"""Pages that people read in a browser: one self-contained HTML file each.

A page asks nothing of the network, and its content security policy forbids what would. It is whole
without a script; scripts add the filter and the choice of theme.
"""
