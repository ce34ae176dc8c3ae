"""The command ``accanto``: each domain brings its own commands."""
