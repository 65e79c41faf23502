//! Audio in, verdict out
