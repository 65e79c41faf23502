//! The blend drawn: a strip per role that shows which song plays, over a piano roll in the colours of the songs; one
//! self-contained SVG. Colour is never alone: strips carry the song's number, and everything says what it is when it is
//! pointed at or read out. Text from outside is escaped; the picture has no script and loads nothing.

use music::xml::escaped;

use crate::{
    Blend,
    plan::{Cell, Kind},
    role::Role,
};

const GUTTER: f64 = 116.0;
const EDGE: f64 = 16.0;
const STRIPS_TOP: f64 = 112.0;
const STRIP: f64 = 17.0;
const ROLL_GAP: f64 = 34.0;
/// Height of a semitone and of a drum's row.
const SEMITONE: f64 = 5.5;
const DRUM_ROW: f64 = 5.0;
/// Width of a bar.
const LEAST_BAR: f64 = 12.0;
const MOST_BAR: f64 = 40.0;
const WISHED_WIDTH: f64 = 1_240.0;

/// Colours that differ for every kind of colour vision (M. Okabe and K. Ito, 2008).
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#22262e;font-size:11px}\
.page{fill:#fff}\
.title{font-size:18px;font-weight:600}\
.about{font-size:12px;fill:#565d69}\
.role{text-anchor:end;font-size:12px}\
.section{font-size:14px;font-weight:700}\
.chord{font-size:9.5px;fill:#7a3d00}\
.pitch{font-size:9.5px;fill:#6a7280;text-anchor:end}\
.number{font-size:9.5px;fill:#6a7280}\
.in{font-size:11px;font-weight:700;fill:#fff;pointer-events:none}\
.bar{stroke:#e3e7ec}\
.edge{stroke:#8a93a1}\
.octave{stroke:#eef0f3}\
.s1{fill:#0072b2}.s2{fill:#c44e00}.s3{fill:#00795a}.s0{fill:#6b7280}\
.touched{fill-opacity:.72}\
.soft{fill-opacity:.55}\
@media(prefers-color-scheme:dark){\
text{fill:#e6e9ee}\
.page{fill:#14171c}\
.about{fill:#a5adba}\
.chord{fill:#ffbf80}\
.pitch,.number{fill:#959eac}\
.in{fill:#101318}\
.bar{stroke:#2a303a}\
.edge{stroke:#77808e}\
.octave{stroke:#20252d}\
.s1{fill:#56b4e9}.s2{fill:#ff9b57}.s3{fill:#3fd0a4}.s0{fill:#9aa3b0}}";

impl Blend {
    /// Draws it.
    pub fn picture(&self) -> String {
        Picture::new(self).draw()
    }
}

struct Picture<'a> {
    blend: &'a Blend,
    bar_width: f64,
    lowest: i32,
    highest: i32,
    out: String,
}

impl<'a> Picture<'a> {
    fn new(blend: &'a Blend) -> Self {
        let bars = blend.plan.bars().max(1) as f64;
        let pitched = blend.lines.iter().take(Role::Drums.index()).flatten().map(|note| note.pitch);
        Self {
            blend,
            bar_width: ((WISHED_WIDTH - GUTTER - EDGE) / bars).clamp(LEAST_BAR, MOST_BAR),
            lowest: pitched.clone().min().unwrap_or(36).min(36) - 1,
            highest: pitched.max().unwrap_or(84).max(84) + 1,
            out: String::new(),
        }
    }

    fn x(&self, quarters: f64) -> f64 {
        GUTTER + quarters / self.blend.plan.target.bar() * self.bar_width
    }

    fn roll_top(&self) -> f64 {
        STRIPS_TOP + STRIP * Role::COUNT as f64 + ROLL_GAP
    }

    fn y(&self, pitch: i32) -> f64 {
        self.roll_top() + f64::from(self.highest - pitch) * SEMITONE
    }

    fn drums_top(&self) -> f64 {
        self.y(self.lowest) + 14.0
    }

    fn bottom(&self) -> f64 {
        self.drums_top() + 7.0 * DRUM_ROW
    }

    fn draw(mut self) -> String {
        let bars = self.blend.plan.bars();
        let (width, height) =
            ((self.x(0.0) + bars as f64 * self.bar_width + EDGE).max(700.0).ceil(), self.bottom() + 26.0);
        self.out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" \
             aria-labelledby=\"title about\">\n<style>{STYLE}</style>\n<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n",
            number(width),
            number(height)
        );
        self.heading();
        self.grid();
        self.strips();
        self.chord_names();
        self.roll();
        self.out += "</svg>\n";
        self.out
    }

    fn heading(&mut self) {
        let blend = self.blend;
        let target = &blend.plan.target;
        let form: Vec<String> = blend.plan.sections.iter().map(|section| section.label()).collect();
        let failing: Vec<&str> = blend.report.failing().map(|gate| gate.says()).collect();
        let verdict =
            if failing.is_empty() { "passes all gates".to_owned() } else { format!("not met: {}", failing.join("; ")) };
        let about = format!(
            "{}, {:.0} bpm, {}/4, {} bars: {}; {verdict}",
            target.key,
            target.bpm,
            target.beats,
            blend.plan.bars(),
            form.join(" ")
        );
        let title = format!("Blend of {}", blend.titles.each_ref().map(|title| short(title, 60)).join(", "));
        let shares = blend.song_shares();
        let spoken = (0..3)
            .map(|song| format!("{} gives {:.0} % of the bars and roles", blend.titles[song], 100.0 * shares[song]));
        let spoken = format!("{about}. {}.", spoken.collect::<Vec<_>>().join(", "));
        self.out += &format!(
            "<title id=\"title\">{}</title>\n<desc id=\"about\">{}</desc>\n",
            escaped(&title),
            escaped(&spoken)
        );
        self.text("title", GUTTER, 26.0, &short(&title, 110));
        self.text("about", GUTTER, 45.0, &short(&about, 170));
        let mut x = GUTTER;
        for (song, share) in shares.iter().enumerate() {
            let label = format!("{} {} ({:.0} %)", song + 1, short(&blend.titles[song], 34), 100.0 * share);
            self.rect(song_class(Some(song)), [x, 55.0, 14.0, 10.0], None);
            self.text("about", x + 19.0, 64.0, &label);
            x += 40.0 + 6.6 * label.chars().count() as f64;
        }
        self.rect(song_class(None), [x, 55.0, 14.0, 10.0], None);
        self.text("about", x + 19.0, 64.0, "made");
    }

    fn grid(&mut self) {
        let (top, bottom) = (STRIPS_TOP, self.bottom());
        let end = self.blend.plan.bars();
        for pitch in (self.lowest..=self.highest).filter(|pitch| pitch % 12 == 0) {
            let y = self.y(pitch) + SEMITONE / 2.0;
            let right = GUTTER + end as f64 * self.bar_width;
            self.line("octave", [GUTTER, y, right, y]);
            self.text("pitch", GUTTER - 6.0, y + 1.0, &format!("C{}", pitch / 12 - 1));
        }
        for bar in 0..=end {
            let x = GUTTER + bar as f64 * self.bar_width;
            let begins = bar == end || self.blend.plan.sections.iter().any(|section| section.first_bar == bar);
            self.line(if begins { "edge" } else { "bar" }, [x, if begins { top - 26.0 } else { top }, x, bottom]);
            if bar < end && bar % 4 == 0 {
                self.text("number", x + 2.0, bottom + 12.0, &(bar + 1).to_string());
            }
        }
        for section in &self.blend.plan.sections {
            let x = GUTTER + section.first_bar as f64 * self.bar_width;
            self.text("section", x + 4.0, top - 12.0, &section.label());
        }
        self.text("role", GUTTER - 8.0, self.drums_top() + 20.0, "drums");
    }

    /// Bars of one song in a row are one box.
    fn strips(&mut self) {
        for role in Role::ALL {
            let top = STRIPS_TOP + STRIP * role.index() as f64;
            self.text("role", GUTTER - 8.0, top + 12.5, role.name());
            let cells = self.blend.plan.cells[role.index()].clone();
            let mut start = 0;
            while start < cells.len() {
                let Some(first) = cells[start] else {
                    start += 1;
                    continue;
                };
                let same =
                    |cell: &&Option<Cell>| cell.is_some_and(|cell| cell.song == first.song && cell.kind == first.kind);
                let end = start + cells[start..].iter().take_while(same).count();
                self.strip(role, &first, start, end, top, &cells);
                start = end;
            }
        }
    }

    fn strip(&mut self, role: Role, first: &Cell, start: usize, end: usize, top: f64, cells: &[Option<Cell>]) {
        let (left, width) = (GUTTER + start as f64 * self.bar_width, (end - start) as f64 * self.bar_width);
        let how = match first.kind {
            Kind::Source => "as it is",
            Kind::Varied => "ornamented",
            Kind::Fill => "with a fill",
            Kind::Bridge => "leading on",
            Kind::Cadence => "in the cadence",
            Kind::Made => "made",
        };
        let about = match first.song {
            Some(song) => {
                let bars = cells[start..end].iter().flatten().map(|cell| (cell.source_bar + 1).to_string());
                let title = short(&self.blend.titles[song], 60);
                format!(
                    "bars {}–{end}, {role}: {title}, its bars {}; {how}",
                    start + 1,
                    bars.collect::<Vec<_>>().join(" ")
                )
            }
            None => format!("bars {}–{end}, {role}: {how}", start + 1),
        };
        let class = song_class(first.song);
        let class = if first.kind == Kind::Source || first.kind == Kind::Made {
            class.to_owned()
        } else {
            format!("{class} touched")
        };
        self.rect(&class, [left + 0.5, top + 1.0, width - 1.0, STRIP - 2.0], Some(&about));
        if let Some(song) = first.song.filter(|_| width >= 12.0) {
            self.text("in", left + 4.0, top + 12.5, &(song + 1).to_string());
        }
    }

    /// Names where chords change.
    fn chord_names(&mut self) {
        let plan = &self.blend.plan;
        let y = self.roll_top() - 10.0;
        let (mut last, mut free) = (None, f64::MIN);
        for (slot, chord) in plan.chords.clone().into_iter().enumerate() {
            let x = self.x(slot as f64 * plan.target.slot());
            if last == Some(chord) || x < free {
                continue;
            }
            let name = chord.name_in(&plan.target.key);
            self.text("chord", x + 1.0, y, &name);
            free = x + 5.8 * name.chars().count() as f64 + 3.0;
            last = Some(chord);
        }
    }

    fn roll(&mut self) {
        let target = &self.blend.plan.target;
        let beats = target.bar();
        for role in [Role::Drums, Role::Chords, Role::Bass, Role::CounterMelody, Role::Melody] {
            for note in &self.blend.lines[role.index()] {
                let bar = ((note.onset + 1e-6) / beats) as usize;
                let pickup = self.blend.pickups.iter().filter(|_| role == Role::Melody).find(|pickup| pickup.has(note));
                let own = self.blend.plan.cell(role, bar).and_then(|cell| cell.song);
                let song = pickup.map(|pickup| pickup.song).or(own);
                let (left, right) = (self.x(note.onset), self.x(note.end()));
                let class = song_class(song);
                if role == Role::Drums {
                    let row = music::analysis::DrumClass::of(note.pitch.clamp(0, 127) as u8) as usize;
                    let top = self.drums_top() + row as f64 * DRUM_ROW;
                    self.rect(class, [left, top, 2.0, DRUM_ROW - 1.5], None);
                    continue;
                }
                let soft = matches!(role, Role::Chords);
                let class = if soft { format!("{class} soft") } else { class.to_owned() };
                let height = if soft { SEMITONE - 2.0 } else { SEMITONE };
                let top = self.y(note.pitch) - height / 2.0 + SEMITONE / 2.0;
                self.rect(&class, [left, top, (right - left - 0.5).max(1.0), height], None);
            }
        }
    }

    fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.out +=
            &format!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n", number(x), number(y), escaped(text));
    }

    fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
        self.out += &format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>\n");
    }

    fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], about: Option<&str>) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let about = about.map_or_else(String::new, |about| format!("<title>{}</title>", escaped(about)));
        self.out += &format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\">{about}</rect>\n"
        );
    }
}

const fn song_class(song: Option<usize>) -> &'static str {
    match song {
        Some(0) => "s1",
        Some(1) => "s2",
        Some(_) => "s3",
        None => "s0",
    }
}

/// At most so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A tenth of a point is enough.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}
