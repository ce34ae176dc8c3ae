"""Staff pages that join domains: start page, map, building sheet."""
