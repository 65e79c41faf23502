//! Expert Music AI: the engine as a network service
