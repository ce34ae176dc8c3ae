"""Households (*nuclei familiari*), tenancies (*titoli di occupazione*) and stays."""
