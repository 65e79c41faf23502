//! The form of the training API.

use utoipa::ToSchema;

/// What a model is asked for with.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read part by part")]
pub struct TrainingForm {
    /// A recording, or an archive (zip, tar or tar.gz) of recordings; up to 100 files.
    #[schema(value_type = Vec<String>, format = Binary)]
    pub recording: Vec<Vec<u8>>,
    /// What the model is called from then on; no two models have the same name.
    #[schema(example = "my-band")]
    pub name: String,
    /// What the recordings sound like, 3 to 2000 characters: what the model hears of each of them while it learns, and what it
    /// is tried with.
    #[schema(example = "slow blues, brushed drums, upright bass")]
    pub description: Option<String>,
    /// How often everything is gone through, 1 to 30; 3 when absent.
    pub epochs: Option<u32>,
    /// Steps of learning in each of them, 10 to 1000; 100 when absent.
    pub updates_per_epoch: Option<u32>,
    /// What the model is before: small, medium, melody, stereo-small, stereo-medium or stereo-melody, which it is when absent.
    pub base: Option<String>,
    /// Whether voices are taken out of the recordings before; true when absent.
    pub drop_vocals: Option<bool>,
    /// Of the trial; chosen and told when absent.
    pub seed: Option<u64>,
    /// Whether finished stages of your earlier jobs may be reused; true when absent.
    pub reuse: Option<bool>,
}
