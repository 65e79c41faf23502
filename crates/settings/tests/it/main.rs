//! What may be set, and what is written of it. One program, so that it is linked once.

mod documents;
mod load;
mod spending;
mod vendor_limits;
