"""Space and physics, without people.

Buildings (*edifici*), sites (*cantieri*), receivers and impacts (*disagi*) in one metric
coordinate reference system. Nothing in this package knows who lives where.
"""
