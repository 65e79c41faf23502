//! What a provider can do, held against what is asked for: a chain passes over one that cannot.

use std::sync::Arc;

use domain::options::Language;

/// A model that was asked for by name: of whom it is had, and which of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    pub name: Arc<str>,
    pub provider: Arc<str>,
    /// As the provider names it, such as 64 hexadecimal digits.
    pub version: Arc<str>,
}

/// What is asked for, as far as providers differ in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Need {
    /// Of the music that is to be made.
    pub seconds: Option<f64>,
    pub language: Option<Language>,
    /// Whether somebody is to sing in what is made.
    pub is_sung: bool,
    /// Whether a tune is given that what is made has to follow.
    pub has_melody: bool,
    /// The model that was asked for by name: nobody else's will do.
    pub model: Option<ModelChoice>,
    /// Whether a thing that somebody made badly ([`domain::FailureCode::QualityGate`]) is better than none: it is looked at again
    /// when nobody else has made one.
    pub takes_poor: bool,
}

/// What a provider can do. The default has no bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Abilities {
    pub shortest_seconds: Option<f64>,
    pub longest_seconds: Option<f64>,
    /// `None` for any.
    pub languages: Option<Vec<Language>>,
    /// It makes music in which nobody sings.
    pub never_sings: bool,
    pub needs_melody: bool,
}

impl Abilities {
    /// Why the provider of that name cannot do what is asked for; `None` when it can.
    pub fn lacks(&self, provider: &str, need: &Need) -> Option<String> {
        if let Some(model) = &need.model
            && *model.provider != *provider
        {
            return Some(format!("the model {} is had of {}", model.name, model.provider));
        }
        if let (Some(seconds), Some(longest)) = (need.seconds, self.longest_seconds)
            && seconds > longest
        {
            return Some(format!("it makes at most {longest:.0} s, and {seconds:.0} s are asked for"));
        }
        if let (Some(seconds), Some(shortest)) = (need.seconds, self.shortest_seconds)
            && seconds < shortest
        {
            return Some(format!("it makes at least {shortest:.0} s, and {seconds:.0} s are asked for"));
        }
        if let (Some(language), Some(languages)) = (need.language, &self.languages)
            && !languages.contains(&language)
        {
            return Some(format!("it does not know the language {language}"));
        }
        if need.is_sung && self.never_sings {
            return Some("it makes music in which nobody sings".to_owned());
        }
        if self.needs_melody && !need.has_melody {
            return Some("it needs a melody to follow".to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_cannot_do_is_said() {
        let can = Abilities {
            shortest_seconds: Some(3.0),
            longest_seconds: Some(30.0),
            languages: Some(vec![Language::English]),
            never_sings: true,
            needs_melody: true,
        };
        let check = |need: Need, word: Option<&str>| {
            let lacks = can.lacks("large", &need);
            assert_eq!(lacks.is_some(), word.is_some(), "{need:?}: {lacks:?}");
            assert!(word.is_none_or(|word| lacks.unwrap_or_default().contains(word)), "{need:?}");
        };
        let fine = Need { seconds: Some(20.0), has_melody: true, ..Need::default() };
        check(fine.clone(), None);
        let model = |provider: &str| ModelChoice { name: "m".into(), provider: provider.into(), version: "1".into() };
        check(Need { model: Some(model("large")), ..fine.clone() }, None);
        check(Need { model: Some(model("small")), ..fine.clone() }, Some("small"));
        check(Need { seconds: Some(31.0), ..fine.clone() }, Some("at most 30 s"));
        check(Need { seconds: Some(2.0), ..fine.clone() }, Some("at least 3 s"));
        check(Need { language: Some(Language::Spanish), ..fine.clone() }, Some("es"));
        check(Need { is_sung: true, ..fine.clone() }, Some("sings"));
        check(Need { has_melody: false, ..fine }, Some("melody"));
        let theirs = Need { model: Some(model("vendor")), ..Need::default() };
        assert!(Abilities::default().lacks("offline", &theirs).is_some(), "a model by name is not just anybody's");
    }
}
