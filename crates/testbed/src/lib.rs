//! Private PostgreSQL, RabbitMQ and S3 servers for tests and for trying things out
