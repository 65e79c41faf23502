//! Tracing, the Prometheus registry and every metric name, trace context over messages
