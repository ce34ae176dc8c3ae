"""A private PostGIS cluster, for a machine where no database address is set."""

from geo_service.cluster.binaries import ClusterError
from geo_service.cluster.server import Cluster

__all__ = ["Cluster", "ClusterError"]
