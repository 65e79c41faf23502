//! One part on its way to a synthesizer: presets, pedals, controllers, and the beginning and end of every note.

use std::collections::BTreeSet;

use music::score::ControlChange;

use super::{
    Plan,
    controller::{
        ALL_NOTES_OFF, ALL_SOUND_OFF, BALANCE, BANK, EXPRESSION, FINE, MODULATION, PAN, RESET, SOSTENUTO, SUSTAIN,
        VOLUME,
    },
    pitch::Tuning,
};
use crate::{
    PresetId,
    font::Font,
    render::{Event, Message},
};

const KEYS: usize = 128;
/// Controllers from here on are down.
const PEDAL_DOWN: u8 = 64;
const MIDDLE: u8 = 64;

/// In one block keys are let go before controllers move, and those before keys are struck.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    NoteOff(usize),
    Control(usize),
    NoteOn(usize),
}

/// A part while it is put into events.
pub(super) struct Line<'a> {
    line: u16,
    plan: &'a Plan,
    font: &'a Font,
    events: &'a mut Vec<Event>,
    warnings: &'a mut BTreeSet<String>,
    block: u64,
    bank: u8,
    preset: Option<PresetId>,
    /// The note that holds each key down.
    held: [Option<usize>; KEYS],
    /// Keys that are let go and sound on.
    sustained: [bool; KEYS],
    /// Keys that the sostenuto pedal caught.
    in_sostenuto: [bool; KEYS],
    sustain: bool,
    sostenuto: bool,
    modulation: u8,
    pressure: u8,
    pan: u8,
    balance: u8,
    tuning: Tuning,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        line: u16,
        plan: &'a Plan,
        font: &'a Font,
        events: &'a mut Vec<Event>,
        warnings: &'a mut BTreeSet<String>,
    ) -> Self {
        Self {
            line,
            plan,
            font,
            events,
            warnings,
            block: 0,
            bank: 0,
            preset: None,
            held: [None; KEYS],
            sustained: [false; KEYS],
            in_sostenuto: [false; KEYS],
            sustain: false,
            sostenuto: false,
            modulation: 0,
            pressure: 0,
            pan: MIDDLE,
            balance: MIDDLE,
            tuning: Tuning::new(),
        }
    }

    /// Plays the whole part; what a pedal still holds ends with the song.
    pub(super) fn play(mut self, end_block: u64) {
        self.change_program(self.plan.program);
        let notes = self.plan.notes.iter().enumerate();
        let mut steps: Vec<(u64, Step)> = notes
            .flat_map(|(index, note)| [(note.start, Step::NoteOn(index)), (note.end, Step::NoteOff(index))])
            .collect();
        steps.extend(self.plan.controls.iter().enumerate().map(|(index, (at, _))| (*at, Step::Control(index))));
        steps.sort_unstable();
        for (block, step) in steps {
            self.block = block;
            match step {
                Step::NoteOn(note) => self.note_on(note),
                Step::NoteOff(note) => self.note_off(note),
                Step::Control(index) => self.change(self.plan.controls[index].1),
            }
        }
        self.block = self.block.max(end_block);
        self.all_notes_off();
    }

    fn send(&mut self, message: Message) {
        self.events.push(Event { block: self.block, line: self.line, message });
    }

    fn controller(&mut self, number: u8, value: u8) {
        self.send(Message::Controller { number, value });
    }

    fn note_on(&mut self, note: usize) {
        let Some(preset) = self.preset else { return };
        let planned = self.plan.notes[note];
        let key = self.played_key(preset, planned.key);
        // A string is struck once at a time.
        if self.held[usize::from(key)].is_some() || self.sustained[usize::from(key)] {
            self.sustained[usize::from(key)] = false;
            self.send(Message::NoteOff { key });
        }
        self.held[usize::from(key)] = Some(note);
        self.send(Message::NoteOn { key, velocity: planned.velocity });
    }

    fn played_key(&self, preset: PresetId, key: u8) -> u8 {
        if self.plan.is_drums { self.font.drum_key(preset, key) } else { key }.min(127)
    }

    fn note_off(&mut self, note: usize) {
        let Some(key) = self.held.iter().position(|held| *held == Some(note)) else { return };
        self.held[key] = None;
        if self.sustain || self.in_sostenuto[key] {
            self.sustained[key] = true;
        } else {
            self.send(Message::NoteOff { key: key as u8 });
        }
    }

    /// Ends what sounds on and no pedal holds any more.
    fn release_sustained(&mut self) {
        for key in 0..KEYS {
            if self.sustained[key] && !self.sustain && !self.in_sostenuto[key] {
                self.sustained[key] = false;
                self.send(Message::NoteOff { key: key as u8 });
            }
        }
    }

    fn all_notes_off(&mut self) {
        for key in 0..KEYS {
            if self.held[key].take().is_some() || self.sustained[key] {
                self.sustained[key] = false;
                self.send(Message::NoteOff { key: key as u8 });
            }
        }
        self.in_sostenuto = [false; KEYS];
    }

    fn change(&mut self, change: ControlChange) {
        match change {
            ControlChange::Program(program) => self.change_program(program.min(127)),
            ControlChange::Controller(number, value) => self.control(number, value.min(127)),
            ControlChange::PitchBend(bend) => self.send(Message::PitchBend(bend.clamp(-8_192, 8_191))),
            ControlChange::Pressure(pressure) => {
                self.pressure = pressure.min(127);
                self.update_modulation();
            }
            // Left out before.
            ControlChange::KeyPressure(..) => {}
        }
    }

    fn control(&mut self, number: u8, value: u8) {
        match number {
            // A rhythm channel keeps to its kits: as a bank, players would lose them.
            BANK if !self.plan.is_drums => self.bank = value,
            MODULATION => {
                self.modulation = value;
                self.update_modulation();
            }
            PAN => {
                self.pan = value;
                self.update_pan();
            }
            BALANCE => {
                self.balance = value;
                self.update_pan();
            }
            VOLUME | EXPRESSION => self.controller(number, value),
            _ if number == VOLUME + FINE || number == EXPRESSION + FINE => self.controller(number, value),
            SUSTAIN => {
                self.sustain = value >= PEDAL_DOWN;
                self.release_sustained();
            }
            SOSTENUTO => self.sostenuto(value >= PEDAL_DOWN),
            ALL_SOUND_OFF => {
                self.all_notes_off();
                self.send(Message::SoundOff);
            }
            RESET => self.reset(),
            // Those after it change modes, and end all notes, too.
            ALL_NOTES_OFF.. => self.all_notes_off(),
            _ => {
                if let Some(message) = self.tuning.control(number, value) {
                    self.send(message);
                }
            }
        }
    }

    /// Pressing a key after it was struck makes it vibrate, as the wheel does.
    fn update_modulation(&mut self) {
        self.controller(MODULATION, self.modulation.max(self.pressure));
    }

    fn update_pan(&mut self) {
        let place = i16::from(self.pan) + i16::from(self.balance) - i16::from(MIDDLE);
        self.controller(PAN, place.clamp(0, 127) as u8);
    }

    /// Keys that are down when the pedal goes down sound until it comes up.
    fn sostenuto(&mut self, is_down: bool) {
        if is_down && !self.sostenuto {
            self.in_sostenuto = std::array::from_fn(|key| self.held[key].is_some());
        }
        if !is_down {
            self.in_sostenuto = [false; KEYS];
            self.release_sustained();
        }
        self.sostenuto = is_down;
    }

    /// Recommended practice RP-015: volume, place, bank and program stay.
    fn reset(&mut self) {
        (self.modulation, self.pressure, self.sustain) = (0, 0, false);
        self.sostenuto(false);
        self.update_modulation();
        self.controller(EXPRESSION, 127);
        self.send(Message::PitchBend(0));
        self.tuning.reset();
    }

    fn change_program(&mut self, program: u8) {
        self.preset = self.font.resolve(self.plan.is_drums, self.bank, program);
        let name = &self.font.info().file_name;
        let Some(preset) = self.preset else {
            let what = if self.plan.is_drums { "drums" } else { "instruments other than drums" };
            self.warnings.insert(format!("{name} has no {what}: parts for them are not heard"));
            return;
        };
        if !self.plan.is_drums && preset.program != u16::from(program) {
            let instead = self.font.preset_name(preset);
            self.warnings
                .insert(format!("{name} has no program {}: played with \"{instead}\"", u16::from(program) + 1));
        }
        self.send(Message::Preset(preset));
    }
}
