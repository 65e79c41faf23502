//! Writing SVG: elements, and the look in light and dark.

use music::xml::escaped;

/// Colours keep a contrast of 4.5 to 1 for text on both backgrounds. Explicit rules rather than variables, because not
/// every renderer knows those; renderers that know no media queries show the light look.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#22262e}\
.page{fill:#fff}\
.title{font-size:18px;font-weight:600}\
.about,.key{font-size:12px;fill:#565d69}\
.pitch{font-size:10px;fill:#6a7280;text-anchor:end}\
.pitch.c{font-weight:700;fill:#22262e}\
.time{font-size:10.5px;fill:#6a7280;text-anchor:middle}\
.phrase{font-size:10.5px;fill:#565d69}\
.chord{font-size:13px;font-weight:700;fill:#7a3d00}\
.bar-number{font-size:9.5px;fill:#6a7280}\
.name{font-size:10px;font-weight:600;fill:#23509a;stroke:#fff;stroke-width:2.5px;paint-order:stroke}\
.word{font-size:13px}\
.black{fill:#f1f3f6}\
.frame{fill:none;stroke:#ccd2da}\
.seam,.tick{fill:none;stroke:#dfe3e9}\
.bar{fill:none;stroke:#9aa3b0;stroke-width:1.2}\
.beat{fill:none;stroke:#d3d8df;stroke-dasharray:1 4}\
.was{fill:none;stroke:#8a93a1;stroke-dasharray:3 2}\
.bracket{fill:none;stroke:#8a93a1}\
.held{fill:none;stroke:#8a93a1}\
.note{fill:#a9c8f5;stroke:#5b8fdb}\
.hum{fill:none;stroke:#1d3f7a;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}\
.sung{fill:none;stroke:#d4511e;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}\
.wave{fill:#b4bcc8}\
@media(prefers-color-scheme:dark){\
text{fill:#e6e9ee}\
.page{fill:#14171c}\
.about,.key,.phrase{fill:#a5adba}\
.chord{fill:#ffbf80}\
.bar-number{fill:#959eac}\
.bar{stroke:#596271}\
.beat{stroke:#363d48}\
.was{stroke:#77808e}\
.pitch,.time{fill:#959eac}\
.pitch.c{fill:#e6e9ee}\
.name{fill:#b9d4ff;stroke:#14171c}\
.black{fill:#1b1f26}\
.frame{stroke:#3a414d}\
.seam,.tick{stroke:#2a303a}\
.bracket,.held{stroke:#77808e}\
.note{fill:#2d4c7c;stroke:#5f93de}\
.hum{stroke:#d5e5ff}\
.sung{stroke:#ff9161}\
.wave{fill:#4a5361}}";

/// A picture being written.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let (width, height) = (number(width.ceil()), number(height.ceil()));
        let out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"title about\">\n<style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n"
        );
        Self { out }
    }

    /// Title and description for those who cannot see the picture.
    pub(super) fn describe(&mut self, title: &str, description: &str) {
        let (title, description) = (escaped(title), escaped(description));
        self.out += &format!("<title id=\"title\">{title}</title>\n<desc id=\"about\">{description}</desc>\n");
    }

    /// Opens a group; `attributes` are trusted.
    pub(super) fn open(&mut self, attributes: &str) {
        self.out += &format!("<g {attributes}>\n");
    }

    pub(super) fn close(&mut self) {
        self.out += "</g>\n";
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y, text) = (number(x), number(y), escaped(text));
        self.out += &format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>\n");
    }

    pub(super) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, radius: f64) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let round = if radius > 0.0 { format!(" rx=\"{}\"", number(radius)) } else { String::new() };
        self.out +=
            &format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{round}/>\n");
    }

    /// A rectangle that says what it is when it is pointed at, or read out.
    pub(super) fn named_rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], radius: f64, name: &str) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let (radius, name) = (number(radius), escaped(name));
        self.out += &format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\">\
             <title>{name}</title></rect>\n"
        );
    }

    pub(super) fn path(&mut self, class: &str, data: &str) {
        self.out += &format!("<path class=\"{class}\" d=\"{data}\"/>\n");
    }

    pub(super) fn finish(mut self) -> String {
        self.out += "</svg>\n";
        self.out
    }
}

/// A tenth of a point is enough. Numbers that are none read as 0.
pub(super) fn number(value: f64) -> String {
    let tenths = if value.is_finite() { (value * 10.0).round() as i64 } else { 0 };
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, part) = (tenths.abs() / 10, tenths.abs() % 10);
    if part == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let written: Vec<String> = [0.0, -0.04, 1.0, -2.25, 1234.56, f64::NAN].into_iter().map(number).collect();
        assert_eq!(written, ["0", "0", "1", "-2.3", "1234.6", "0"]);
    }
}
