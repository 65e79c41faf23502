//! Both transports, in order and in trouble. One program, so that it is linked once.

mod delivery;
mod rabbitmq;
mod support;
