//! What a version of a model takes, by its own schema: other versions of the same model call the same thing otherwise.

use std::{collections::HashMap, sync::Arc};

use domain::{Failure, FailureClass, FailureCode};
use serde_json::{Map, Number, Value};
use tokio::sync::Mutex;

use super::{client::Client, model_ref::ModelRef};

/// Names that mean the same to different versions.
const ALIASES: [(&str, &str); 1] = [("input_audio", "melody")];
/// Most versions whose schemas are kept.
const MOST_KEPT: usize = 200;
/// Longest published schema that is kept, in bytes of its JSON.
const MOST_PUBLISHED_BYTES: usize = 64 << 10;

/// The inputs of a version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    inputs: HashMap<String, Input>,
    required: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Input {
    is_integer: bool,
    /// Any where it is empty.
    choices: Vec<Value>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

/// What is done with a version; each has a schema of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    Prediction,
    Training,
}

impl Schema {
    /// Reads the document of a version; `None` where it says nothing of inputs.
    pub fn read(document: &Value, purpose: Purpose) -> Option<Self> {
        let schemas = &document["components"]["schemas"];
        let name = match purpose {
            Purpose::Prediction => "Input",
            Purpose::Training => "TrainingInput",
        };
        let properties = schemas[name]["properties"].as_object()?;
        let inputs = properties.iter().map(|(name, property)| (name.clone(), Input::read(property, schemas)));
        let required = schemas[name]["required"].as_array().into_iter().flatten();
        Some(Self {
            inputs: inputs.collect(),
            required: required.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        })
    }

    /// An input as the version takes it: what it does not know is left out, or called by its other name; numbers are within its
    /// bounds, and words that are not among its choices are left to it.
    ///
    /// # Errors
    /// `Config` when it asks for something that is not there.
    pub fn fit(&self, given: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let mut fitting = Map::new();
        for (name, value) in given {
            let Some((name, input)) = self.input(name) else { continue };
            if let Some(value) = input.fit(value) {
                fitting.insert(name, value);
            }
        }
        match self.required.iter().find(|name| !fitting.contains_key(*name)) {
            None => Ok(fitting),
            Some(missing) => Err(Failure::new(
                FailureClass::Config,
                FailureCode::ProviderConfig,
                format!("the version of the model asks for {missing}, which is not given: it is not one for this"),
            )),
        }
    }

    fn input(&self, name: String) -> Option<(String, &Input)> {
        if let Some(input) = self.inputs.get(&name) {
            return Some((name, input));
        }
        let other = ALIASES.iter().find_map(|(one, other)| match name.as_str() {
            name if name == *one => Some(*other),
            name if name == *other => Some(*one),
            _ => None,
        })?;
        self.inputs.get(other).map(|input| (other.to_owned(), input))
    }
}

/// What a version takes, as its document says it, in one piece: what is referred to stands in the place of the reference.
/// `None` where the document says nothing of inputs, or more than is kept.
pub fn published(document: &Value) -> Option<Value> {
    let schemas = &document["components"]["schemas"];
    let mut input = schemas["Input"].as_object()?.clone();
    for property in input.get_mut("properties")?.as_object_mut()?.values_mut() {
        let Some(Value::Object(referred)) = referred(property, schemas) else { continue };
        let mut whole = referred.clone();
        // What is said of the input stands above what is said of its kind.
        let own = property.as_object().into_iter().flatten();
        whole.extend(
            own.filter(|(key, _)| !matches!(key.as_str(), "allOf" | "$ref")).map(|(k, v)| (k.clone(), v.clone())),
        );
        *property = Value::Object(whole);
    }
    let input = Value::Object(input);
    (input.to_string().len() <= MOST_PUBLISHED_BYTES).then_some(input)
}

/// Choices stand in a schema of their own, which is referred to.
fn referred<'a>(property: &Value, schemas: &'a Value) -> Option<&'a Value> {
    let path = property["allOf"][0]["$ref"].as_str().or_else(|| property["$ref"].as_str())?;
    path.strip_prefix("#/components/schemas/").map(|name| &schemas[name])
}

impl Input {
    fn read(property: &Value, schemas: &Value) -> Self {
        let shape = referred(property, schemas).unwrap_or(property);
        Self {
            is_integer: shape["type"] == "integer",
            choices: shape["enum"].as_array().cloned().unwrap_or_default(),
            minimum: property["minimum"].as_f64(),
            maximum: property["maximum"].as_f64(),
        }
    }

    fn fit(&self, value: Value) -> Option<Value> {
        if value.is_null() || !(self.choices.is_empty() || self.choices.contains(&value)) {
            return None;
        }
        let Some(number) = value.as_f64() else { return Some(value) };
        let (least, most) = (self.minimum.unwrap_or(f64::NEG_INFINITY), self.maximum.unwrap_or(f64::INFINITY));
        let bounded = number.max(least).min(most);
        if self.is_integer {
            return Some(Value::from(bounded.round() as i64));
        }
        if bounded == number { Some(value) } else { Number::from_f64(bounded).map(Value::Number) }
    }
}

/// What a schema is of, and for what.
type Subject = (ModelRef, Purpose);

/// Schemas of versions, asked for once each: a version never changes.
#[derive(Default)]
pub struct Schemas {
    kept: Mutex<HashMap<Subject, Arc<Schema>>>,
}

impl Schemas {
    /// The schema of a version; `None` where the vendor does not tell it.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn of(
        &self,
        client: &Client,
        model: &ModelRef,
        purpose: Purpose,
    ) -> Result<Option<Arc<Schema>>, Failure> {
        let key = (model.clone(), purpose);
        if let Some(known) = self.kept.lock().await.get(&key) {
            return Ok(Some(known.clone()));
        }
        let version = match &model.version {
            Some(version) => client.version(model, version).await?,
            None => client.model(&model.owner, &model.name).await?.and_then(|model| model.latest_version),
        };
        let schema = version.and_then(|version| Schema::read(&version.openapi_schema, purpose)).map(Arc::new);
        // One that is not there yet may be there in a moment; that of a model without a version changes with its versions.
        if let Some(schema) = schema.as_ref().filter(|_| model.version.is_some()) {
            let mut kept = self.kept.lock().await;
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(key, schema.clone());
        }
        Ok(schema)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({"components": {"schemas": {
            "Input": {"properties": {
                "prompt": {"type": "string"},
                "melody": {"type": "string", "format": "uri"},
                "duration": {"type": "integer", "minimum": 1, "maximum": 30},
                "temperature": {"type": "number", "minimum": 0.5},
                "model_version": {"allOf": [{"$ref": "#/components/schemas/model_version"}]},
                "output_format": {"type": "string", "enum": ["wav", "mp3"]}
            }, "required": ["prompt"]},
            "model_version": {"type": "string", "enum": ["melody", "large"]},
        }}})
    }

    #[test]
    fn an_input_is_made_to_fit() {
        let schema = Schema::read(&document(), Purpose::Prediction).unwrap();
        let check = |given: Value, expected: Value| {
            let fitting = schema.fit(given.as_object().unwrap().clone()).unwrap();
            assert_eq!(Value::Object(fitting), expected, "{given}");
        };
        check(json!({"prompt": "a", "unknown": 1, "seed": null}), json!({"prompt": "a"}));
        check(json!({"prompt": "a", "input_audio": "https://x"}), json!({"prompt": "a", "melody": "https://x"}));
        check(json!({"prompt": "a", "duration": 45.5}), json!({"prompt": "a", "duration": 30}));
        check(json!({"prompt": "a", "duration": 7.6}), json!({"prompt": "a", "duration": 8}));
        check(json!({"prompt": "a", "temperature": 0.1}), json!({"prompt": "a", "temperature": 0.5}));
        check(json!({"prompt": "a", "temperature": 0.9}), json!({"prompt": "a", "temperature": 0.9}));
        check(json!({"prompt": "a", "model_version": "large"}), json!({"prompt": "a", "model_version": "large"}));
        check(json!({"prompt": "a", "model_version": "huge"}), json!({"prompt": "a"}));
        check(json!({"prompt": "a", "output_format": "ogg"}), json!({"prompt": "a"}));
        let failure = schema.fit(Map::new()).unwrap_err();
        assert!(failure.class == FailureClass::Config && failure.message.contains("prompt"), "{failure}");
    }

    #[test]
    fn what_is_published_stands_in_one_piece() {
        let published = published(&document()).unwrap();
        assert_eq!(published["required"], json!(["prompt"]));
        assert_eq!(published["properties"]["model_version"], json!({"type": "string", "enum": ["melody", "large"]}));
        assert_eq!(published["properties"]["duration"], json!({"type": "integer", "minimum": 1, "maximum": 30}));
        assert_eq!(super::published(&json!({"components": {}})), None);
        let mut huge = document();
        huge["components"]["schemas"]["Input"]["description"] = "x".repeat(MOST_PUBLISHED_BYTES).into();
        assert_eq!(super::published(&huge), None);
    }

    #[test]
    fn a_document_without_inputs_says_nothing() {
        assert_eq!(Schema::read(&json!(null), Purpose::Prediction), None);
        assert_eq!(Schema::read(&document(), Purpose::Training), None);
    }
}
