"""Files that leave and files that stay: tables to download, documents kept by their content."""

from geo_service.files.tables import MEDIA_TYPES as MEDIA_TYPES
from geo_service.files.tables import table_file as table_file
