//! Whether a caller may ask for a model, and what they are told when not.

use domain::{
    UserId,
    registry::{ModelName, RegisteredModel, choose},
};

use crate::{app_state::AppState, problem::ApiError};

/// The model that jobs of a user get now by a name.
///
/// # Errors
/// When there is none of this name for them, or no job gets it; both name those that they may ask for.
pub async fn check_usable(state: &AppState, user: &UserId, name: &ModelName) -> Result<RegisteredModel, ApiError> {
    let model = state.database.models().get(name).await?.filter(|model| model.is_visible_to(user));
    // Whatever die: what is refused is refused to all.
    let why = match model {
        Some(model) => match choose(&model, 0.0).map(|_| ()) {
            Ok(()) => return Ok(model),
            Err(why) => Some(why.to_string()),
        },
        None => None,
    };
    let usable = usable(state.database.models().list(Some(user)).await?);
    Err(match why {
        None => ApiError::ModelUnknown { wanted: name.to_string(), known: usable },
        Some(why) => {
            let detail = format!("{why}; {}", advice(&usable));
            ApiError::ModelState { name: name.to_string(), detail }
        }
    })
}

/// The answer about a name that no model has for this caller, an operator where it is nobody.
pub async fn unknown(state: &AppState, user: Option<&UserId>, wanted: &str) -> Result<ApiError, ApiError> {
    let known = state.database.models().list(user).await?;
    let known = known.into_iter().map(|model| model.name.to_string()).collect();
    Ok(ApiError::ModelUnknown { wanted: wanted.to_owned(), known })
}

fn usable(models: Vec<RegisteredModel>) -> Vec<String> {
    models.into_iter().filter(|model| choose(model, 0.0).is_ok()).map(|model| model.name.to_string()).collect()
}

fn advice(usable: &[String]) -> String {
    match usable {
        [] => "no other model is ready: leave `model` out".to_owned(),
        names => format!("leave `model` out, or ask for one of {}", names.join(", ")),
    }
}
