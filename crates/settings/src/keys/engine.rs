//! Keys of the offline engine.

use super::{Key, Section};

pub const ENGINE: Section = Section {
    name: "engine",
    about: "The offline engine, wherever it runs.",
    keys: &[
        Key::new(
            "engine.f0_tracker",
            "\"builtin\"",
            "builtin, swift-f0, crepe-tiny or crepe-full",
            "\"crepe-tiny\"",
            "What finds the pitch of a recording. All but builtin are neural models, which descant models add puts into engine.models_dir.",
        ),
        Key::unset(
            "engine.models_dir",
            "a path",
            "\"/var/lib/descant/models\"",
            "The folder of neural models. Not set: models in data_dir.",
        ),
        Key::new(
            "engine.speech",
            "\"auto\"",
            "auto, off or the path of flite",
            "\"/usr/bin/flite\"",
            "The speech synthesizer (CMU flite) whose voices sing; auto takes the one on the search path. Without it the formant voice sings.",
        ),
        Key::unset(
            "engine.soundfont",
            "the path of a SoundFont 2 or SF3 file",
            "\"/usr/share/sounds/sf2/FluidR3_GM.sf2\"",
            "The instruments that songs and backings are played with. Not set: the best of those that the system has installed, or the built-in ones.",
        ),
    ],
};
