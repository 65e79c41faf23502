//! What listeners expect of each genre, as gates over a composed song, each with a way to spoil the song so that it must fail.
//!
//! Patterns are judged on the written notes, swing on the played ones. A figure that cannot be had fails its gate.

mod facts;
mod general;
mod harmony;
mod rhythm;
mod spoil;
mod tune;

use crate::{composition::Composition, style::Style};

pub(crate) use self::tune::{chorus_shortfall, shortfall};
pub use self::{
    facts::Facts,
    tune::{Tune, figures, tune},
};

/// How a song is spoiled for a gate.
pub type Spoil = fn(&mut Composition);

/// A figure and the range in which it has to be.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub name: &'static str,
    pub value: Option<f64>,
    pub low: f64,
    pub high: f64,
    /// What must make it fail.
    pub spoil: Spoil,
}

impl Gate {
    pub(crate) const fn new(name: &'static str, value: Option<f64>, low: f64, high: f64, spoil: Spoil) -> Self {
        Self { name, value, low, high, spoil }
    }

    pub fn passes(&self) -> bool {
        self.value.is_some_and(|value| self.low <= value && value <= self.high)
    }
}

/// Everything that is expected of a song in its style, of a minute or so.
pub fn gates(song: &Composition) -> Vec<Gate> {
    let facts = Facts::new(song);
    let mut gates = general::gates(&facts);
    gates.extend(of_style(&facts));
    gates.extend(tune::gates(&facts));
    gates
}

/// Lowest and highest tempo that a listener expects, in beats per minute (field notes of MMA's grooves and DJs' tables; the
/// tempo of an order is kept whatever it is).
const fn tempo(style: Style) -> (f64, f64) {
    match style {
        Style::Pop | Style::Rock => (95.0, 140.0),
        Style::Ballad => (60.0, 85.0),
        Style::House | Style::Trance => (118.0, 140.0),
        Style::HipHop | Style::LoFi => (70.0, 95.0),
        Style::JazzSwing => (110.0, 200.0),
        Style::Waltz => (84.0, 190.0),
        Style::Bluegrass => (110.0, 160.0),
        Style::Ska => (120.0, 180.0),
        Style::Salsa => (150.0, 220.0),
        Style::Reggae => (60.0, 95.0),
        Style::Cinematic | Style::Ambient => (50.0, 100.0),
        Style::Folk
        | Style::Country
        | Style::Blues
        | Style::Bossa
        | Style::Samba
        | Style::ChaCha
        | Style::Funk
        | Style::Soul
        | Style::Disco => (70.0, 150.0),
    }
}

fn of_style(facts: &Facts<'_>) -> Vec<Gate> {
    let (low, high) = tempo(facts.style);
    let bpm = facts.song.effective.tempo_bpm;
    let mut gates = vec![Gate::new("tempo", Some(bpm), low, high, spoil::half_speed)];
    let backbeat = || Gate::new("snare on 2 and 4", rhythm::backbeat(facts), 0.9, 1.0, spoil::drums_late);
    let straight = || Gate::new("straight eighths", rhythm::swing(facts, 2), 0.9, 1.1, spoil::swung);
    let on_root = || Gate::new("bass on the root on 1", harmony::bass_on_root(facts), 0.9, 1.0, spoil::bass_astray);
    let sevenths = |least| Gate::new("sevenths and ninths", harmony::sevenths(facts), least, 1.0, spoil::triads);
    let four = || Gate::new("four on the floor", rhythm::four_on_the_floor(facts), 0.95, 1.0, spoil::drums_late);
    let off_beat = || Gate::new("chords off the beat", rhythm::off_beat_chords(facts), 0.75, 1.0, spoil::comping_early);
    let two_beat = || Gate::new("root on 1, fifth on 3", rhythm::alternating_bass(facts), 0.7, 1.0, spoil::bass_astray);
    let plain = |least| Gate::new("I, IV and V", harmony::primary(facts), least, 1.0, spoil::chords_astray);
    let sixteenths = |ratio: (f64, f64)| {
        Gate::new("swung sixteenths", rhythm::swing(facts, 4), ratio.0, ratio.1, spoil::straightened)
    };
    let family = || Gate::new("chords of the key", harmony::in_key(facts), 0.85, 1.0, spoil::chords_astray);
    match facts.style {
        Style::Pop | Style::Rock => gates.extend([backbeat(), on_root(), straight(), family()]),
        Style::Ballad => {
            let late =
                Gate::new("drums enter late", rhythm::drums_enter(facts), 0.15, 0.8, spoil::drums_from_the_start);
            let broken = Gate::new("broken chords", rhythm::single_strokes(facts), 0.7, 1.0, spoil::block_chords);
            gates.extend([late, broken, on_root(), family()]);
        }
        Style::Folk => gates.extend([two_beat(), plain(0.6)]),
        Style::Country => {
            let train = Gate::new("snare strokes a bar", rhythm::strokes(facts, &[38, 37]), 2.0, 16.0, spoil::no_drums);
            gates.extend([two_beat(), plain(0.6), train]);
        }
        Style::Bluegrass => {
            let none = Gate::new("notes of drums", Some(facts.drums().len() as f64), 0.0, 0.0, spoil::add_drums);
            gates.extend([two_beat(), plain(0.6), none]);
        }
        Style::Blues => {
            let form = Gate::new("twelve-bar form", harmony::twelve_bars(facts), 0.95, 1.0, spoil::chords_astray);
            let turn = Gate::new("turnaround", harmony::turnaround(facts), 0.95, 1.0, spoil::chords_astray);
            let shuffle = Gate::new("shuffle", rhythm::swing(facts, 2), 1.6, 2.4, spoil::straightened);
            gates.extend([form, turn, shuffle, sevenths(0.9)]);
        }
        Style::JazzSwing => {
            let swing = Gate::new("swing ratio", rhythm::swing(facts, 2), 1.5, 2.0, spoil::straightened);
            let walk = Gate::new("walking quarters", rhythm::walking(facts), 0.9, 1.0, spoil::sparse_bass);
            let ride = Gate::new("ride pattern", rhythm::ride(facts), 0.9, 1.0, spoil::no_drums);
            gates.extend([swing, walk, ride, sevenths(0.7)]);
        }
        Style::Bossa => {
            let bass = Gate::new("bass on 1, 2-and, 3", rhythm::bossa_bass(facts), 0.8, 1.0, spoil::bass_late);
            let clave =
                Gate::new("accents off the beat", rhythm::clave_like(facts, &[37]), 0.3, 1.0, spoil::drums_on_the_beat);
            let nylon = Gate::new("nylon guitar", Some(facts.plays(24)), 1.0, 1.0, spoil::pianos);
            gates.extend([straight(), bass, clave, nylon, sevenths(0.7)]);
        }
        Style::Samba => {
            let surdo = Gate::new("surdo on 2", rhythm::accent_on(facts, 41, 1), 0.9, 1.0, spoil::drums_late);
            let clave = Gate::new(
                "accents off the beat",
                rhythm::clave_like(facts, &[37, 67, 68, 38]),
                0.3,
                1.0,
                spoil::drums_on_the_beat,
            );
            let nylon = Gate::new("nylon guitar", Some(facts.plays(24)), 1.0, 1.0, spoil::pianos);
            gates.extend([straight(), surdo, clave, nylon]);
        }
        Style::Waltz => {
            let three = f64::from(facts.beats);
            let strongest =
                Gate::new("1 is the strongest", rhythm::one_is_strongest(facts), 0.95, 1.0, spoil::a_beat_late);
            gates.extend([Gate::new("beats in a bar", Some(three), 3.0, 3.0, spoil::in_four), strongest, on_root()]);
        }
        Style::Reggae => {
            let drop = Gate::new("one drop", rhythm::one_drop(facts), 0.9, 1.0, spoil::drums_late);
            gates.extend([drop, off_beat()]);
        }
        Style::Ska => gates.extend([backbeat(), off_beat()]),
        Style::Salsa => {
            let tumbao = Gate::new("tumbao", rhythm::tumbao(facts), 0.75, 1.0, spoil::bass_late);
            let clave = Gate::new("clave", rhythm::clave(facts), 0.9, 1.0, spoil::drums_late);
            let montuno =
                Gate::new("montuno off the beat, in octaves", rhythm::montuno(facts), 0.4, 1.0, spoil::block_chords);
            gates.extend([tumbao, clave, montuno]);
        }
        Style::ChaCha => {
            let bell = Gate::new(
                "bell on every beat",
                rhythm::on_every_beat(facts, &[56, 53, 51]),
                0.9,
                1.0,
                spoil::drums_late,
            );
            let four_and = Gate::new("congas on 4-and", rhythm::congas(facts), 0.85, 1.0, spoil::drums_late);
            gates.extend([bell, four_and]);
        }
        Style::Funk => {
            let off =
                Gate::new("strokes between eighths", rhythm::sixteenth_share(facts), 0.2, 0.8, spoil::on_the_beat);
            let ghosts = Gate::new("ghost notes", rhythm::ghosts(facts), 0.15, 0.8, spoil::loud_drums);
            let one = Gate::new("bass on the root on 1", harmony::bass_on_root(facts), 0.9, 1.0, spoil::bass_astray);
            gates.extend([off, ghosts, one, sevenths(0.9)]);
        }
        Style::Soul => {
            let off =
                Gate::new("strokes between eighths", rhythm::sixteenth_share(facts), 0.04, 0.6, spoil::on_the_beat);
            let ghosts = Gate::new("ghost notes", rhythm::ghosts(facts), 0.1, 0.8, spoil::loud_drums);
            gates.extend([backbeat(), off, ghosts, sevenths(0.7)]);
        }
        Style::Disco => {
            let hats = Gate::new("hats off the beat", rhythm::off_beat_hats(facts), 0.9, 1.0, spoil::no_drums);
            let octaves = Gate::new("octaves in the bass", rhythm::octave_leaps(facts), 0.2, 1.0, spoil::flat_bass);
            gates.extend([four(), hats, octaves]);
        }
        Style::House | Style::Trance => {
            let build = Gate::new("denser before a full section", rhythm::build(facts), 1.15, 20.0, spoil::no_drums);
            gates.extend([
                four(),
                build,
                Gate::new("hats off the beat", rhythm::off_beat_hats(facts), 0.7, 1.0, spoil::no_drums),
            ]);
        }
        Style::HipHop => gates.extend([backbeat(), sixteenths((1.12, 1.7)), sevenths(0.7), sparse(facts)]),
        Style::LoFi => {
            let quiet = Gate::new("soft strokes", rhythm::loudness(facts), 20.0, 84.0, spoil::loud_drums);
            gates.extend([sixteenths((1.15, 1.8)), sevenths(0.7), sparse(facts), quiet]);
        }
        Style::Cinematic | Style::Ambient => {
            let few = if facts.style == Style::Ambient { 5.0 } else { 9.0 };
            gates.extend([
                Gate::new("share of pads", rhythm::pad_share(facts), 0.85, 1.0, spoil::no_pad),
                Gate::new("onsets in a bar", rhythm::onsets(facts), 0.3, few, spoil::dense),
                Gate::new("chords in a bar", harmony::chords_per_bar(facts), 0.1, 0.75, spoil::restless),
                Gate::new("crescendo", rhythm::crescendo(facts), 1.5, 60.0, spoil::diminuendo),
            ]);
        }
    }
    gates
}

fn sparse(facts: &Facts<'_>) -> Gate {
    Gate::new("strokes of chords in a bar", rhythm::comping_strokes(facts), 0.3, 5.0, spoil::dense)
}
