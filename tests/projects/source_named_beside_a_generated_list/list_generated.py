"""Print the sources that the template engine wrote."""

print(";".join(f"generated/forward_{kind}.cpp" for kind in ("dense", "sparse")))
