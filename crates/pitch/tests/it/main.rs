//! From sound to notes. One program, so that it is linked once.

mod common;
mod f0_crepe;
mod f0_swift;
mod f0_whistle;
mod melody_f0;
mod melody_notes;
mod melody_room;
mod melody_sample;
mod melody_syllables;
mod melody_vibrato;
