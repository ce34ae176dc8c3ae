"""A private PostGIS cluster, for a machine where no database address is set."""

from geo_service.cluster.binaries import ClusterError, find_client
from geo_service.cluster.server import Cluster

__all__ = ["Cluster", "ClusterError", "find_client"]
