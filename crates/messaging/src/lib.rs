//! The only user of lapin: RabbitMQ and in-process transports behind one face
