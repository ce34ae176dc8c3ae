"""Drawing: interactive Folium maps, vector tiles and printed maps (*mappe*), without people."""
