//! Music in notes: read, written, corrected, understood. One program, so that it is linked once.

mod analysis;
mod breath;
mod correct;
mod harmony;
mod midi;
mod musicxml;
mod rhythm;
mod rubato;
mod smf;
