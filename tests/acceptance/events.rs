//! Events with data, stages and namespaces.
