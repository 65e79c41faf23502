//! A JSON schema filled with lines.

use serde_json::{Map, Value, json};

/// How deep a schema may refer to itself.
const DEEPEST: usize = 16;
/// Names of arrays of strings that hold something else than lines.
const NOT_LINES: [&str; 7] = ["genre", "tag", "style", "language", "mood", "warning", "keyword"];
/// Names of strings that hold a line.
const LINE_NAMES: [&str; 5] = ["text", "line", "lyric", "words", "content"];

struct Filler<'s> {
    root: &'s Value,
    lines: &'s [String],
    counts: &'s [usize],
}

/// A value of the schema with all lines in it, in the first array that can hold them.
pub fn fill(schema: &Value, lines: &[String], counts: &[usize]) -> Value {
    Filler { root: schema, lines, counts }.value(schema, "", None, 0)
}

/// The least number of items of the array that holds the lines, if the schema tells one.
pub fn least_lines(schema: &Value) -> Option<usize> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("minItems").and_then(Value::as_u64).and_then(|least| usize::try_from(least).ok());
            own.filter(|least| (1..=200).contains(least)).or_else(|| fields.values().find_map(least_lines))
        }
        _ => None,
    }
}

impl<'s> Filler<'s> {
    /// Follows references and takes the first of alternatives that is not null.
    fn plain(&self, mut schema: &'s Value) -> &'s Value {
        for _ in 0..DEEPEST {
            let next = match schema.get("$ref").and_then(Value::as_str) {
                Some(to) => self.root.pointer(to.trim_start_matches('#')),
                None => ["anyOf", "oneOf", "allOf"]
                    .iter()
                    .find_map(|word| schema.get(word)?.as_array()?.iter().find(|one| one["type"] != "null")),
            };
            match next {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    fn kind(schema: &'s Value) -> &'s str {
        match &schema["type"] {
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
            }
            kind => kind.as_str().unwrap_or(if schema.get("properties").is_some() { "object" } else { "string" }),
        }
    }

    fn value(&self, schema: &'s Value, name: &str, line: Option<usize>, depth: usize) -> Value {
        let schema = self.plain(schema);
        if let Some(fixed) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
            return fixed.clone();
        }
        if depth > DEEPEST {
            return Value::Null;
        }
        match Self::kind(schema) {
            "object" => {
                let properties = schema.get("properties").and_then(Value::as_object);
                let fields = properties.into_iter().flatten();
                Value::Object(
                    fields
                        .map(|(name, of)| (name.clone(), self.value(of, name, line, depth + 1)))
                        .collect::<Map<_, _>>(),
                )
            }
            "array" => self.array(schema, name, line, depth),
            "integer" | "number" => self.number(schema, name, line),
            "boolean" => Value::Bool(true),
            "null" => Value::Null,
            _ => self.string(name, line),
        }
    }

    fn array(&self, schema: &'s Value, name: &str, line: Option<usize>, depth: usize) -> Value {
        let items = schema.get("items").map(|items| self.plain(items));
        let kind = items.map_or("string", Self::kind);
        if let Some(line) = line {
            // Inside of a line: its words.
            return match (kind, items) {
                ("string", _) => self.line(line).split(' ').collect(),
                (_, Some(items)) => json!([self.value(items, name, Some(line), depth + 1)]),
                _ => json!([]),
            };
        }
        let each = 0..self.lines.len();
        match (kind, items) {
            ("string", _) if NOT_LINES.iter().any(|other| name.contains(other)) => json!(["folk"]),
            ("string", _) => each.map(|index| Value::from(self.line(index))).collect(),
            ("object", Some(items)) if self.has_array_of_lines(items) => {
                json!([self.value(items, name, None, depth + 1)])
            }
            (_, Some(items)) => each.map(|index| self.value(items, name, Some(index), depth + 1)).collect(),
            _ => json!([]),
        }
    }

    /// Whether an object is a section: it holds lines itself, by a name that says so.
    fn has_array_of_lines(&self, schema: &'s Value) -> bool {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().any(|(name, of)| {
            Self::kind(self.plain(of)) == "array" && ["line", "lyric", "verse"].iter().any(|word| name.contains(word))
        })
    }

    fn number(&self, schema: &'s Value, name: &str, line: Option<usize>) -> Value {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(0);
        match line {
            Some(line) if name.contains("syllable") || name.contains("count") => json!(self.counts.get(line)),
            Some(line) if ["line", "index", "number"].iter().any(|word| name.contains(word)) => {
                json!(line as i64 + least.min(1))
            }
            _ => json!(least),
        }
    }

    fn string(&self, name: &str, line: Option<usize>) -> Value {
        match line {
            Some(line) if LINE_NAMES.iter().any(|word| name.contains(word)) || name.is_empty() => {
                self.line(line).into()
            }
            _ if ["lyric", "text", "content"].iter().any(|word| name.contains(word)) => self.lines.join("\n").into(),
            _ if name.contains("title") => "Paper Harbor".into(),
            _ if name.contains("language") => "en".into(),
            _ => "verse".into(),
        }
    }

    fn line(&self, index: usize) -> &'s str {
        self.lines.get(index).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(schema: Value) -> Value {
        fill(&schema, &["One two".to_owned(), "three".to_owned()], &[2, 1])
    }

    #[test]
    fn the_forms_that_lyrics_are_asked_for_in() {
        let text = json!({"type": "string"});
        let lines = json!({"type": "array", "items": text});
        let object = |properties: Value| json!({"type": "object", "properties": properties});
        assert_eq!(filled(object(json!({"lines": lines}))), json!({"lines": ["One two", "three"]}));
        assert_eq!(
            filled(object(json!({"title": text, "genres": lines, "lyrics": lines}))),
            json!({"title": "Paper Harbor", "genres": ["folk"], "lyrics": ["One two", "three"]})
        );
        let each =
            object(json!({"index": {"type": "integer", "minimum": 1}, "text": text, "syllables": {"type": "integer"}}));
        assert_eq!(
            filled(
                object(json!({"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}))
                    .as_object_mut()
                    .map(|schema| {
                        schema.insert("$defs".to_owned(), json!({"line": each}));
                        json!(schema)
                    })
                    .unwrap()
            ),
            json!({"lines": [{"index": 1, "text": "One two", "syllables": 2}, {"index": 2, "text": "three", "syllables": 1}]})
        );
        let section = object(json!({"kind": {"enum": ["verse", "chorus"]}, "lines": lines}));
        assert_eq!(
            filled(object(json!({"sections": {"type": "array", "items": section}}))),
            json!({"sections": [{"kind": "verse", "lines": ["One two", "three"]}]})
        );
        let words = json!({"type": "array", "items": lines});
        assert_eq!(filled(object(json!({"lines": words}))), json!({"lines": [["One", "two"], ["three"]]}));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let node = json!({"$ref": "#"});
        let schema = json!({"type": "object", "properties": {"next": node, "name": {"type": "string"}}});
        assert_eq!(filled(schema)["next"]["name"], "verse");
        assert_eq!(filled(json!({"$ref": "#"})), json!("verse"));
    }
}
