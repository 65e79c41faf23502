//! Replicate against the stand-in that misbehaves: nothing is made twice, nothing is believed, nothing hangs.

mod called_off;
mod calls;
mod music;
mod outputs;
mod set_up;
mod setting;
mod trainings;
