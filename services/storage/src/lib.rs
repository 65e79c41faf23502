//! Owns every object: ingest, renditions, links, retention
