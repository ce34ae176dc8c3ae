"""People above the municipal limit, for the annex of a noise derogation."""
