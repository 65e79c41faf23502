//! Which version of a model a job got: written down with the first answer, and the same ever after.

use chrono::{DateTime, Utc};
use domain::{
    JobId, UserId,
    registry::{ModelName, ModelUsed, ModelVersion, Unusable, choose, dice},
};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::{Models, row};
use crate::{
    error::{During, PersistenceError, Undecodable},
    rows,
    time::micros,
};

/// What a job gets for the model that it asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModelChoiceMade {
    /// Now or before.
    Made(ModelUsed),
    /// The model is there, and no job gets it.
    Unusable(Unusable),
    /// No model has this name, or it is somebody else's.
    Unknown,
    /// There is no such job.
    NoJob,
}

impl Models<'_> {
    /// The version of a model that a job gets. Whatever happens to the model, a job that has got one keeps it: its second
    /// attempt makes what its first one began.
    pub async fn choose(
        &self,
        job: JobId,
        name: &ModelName,
        now: DateTime<Utc>,
    ) -> Result<ModelChoiceMade, PersistenceError> {
        const DOING: &str = "choose the version of a model";
        use rows::model_choice::{ActiveModel, Column, Entity};
        let tx = self.db.begin(DOING).await?;
        if let Some(made) = Entity::find_by_id(job.uuid()).one(&tx).await.during(DOING)? {
            return read(made).map(ModelChoiceMade::Made).during(DOING);
        }
        let Some(asker) = rows::job::Entity::find_by_id(job.uuid()).one(&tx).await.during(DOING)? else {
            return Ok(ModelChoiceMade::NoJob);
        };
        let owner = UserId::new(asker.owner).map_err(|why| Undecodable::new("jobs.owner", why)).during(DOING)?;
        let row = row::named(&tx, name).await.during(DOING)?;
        let model = row.map(row::read).transpose().during(DOING)?.filter(|model| model.is_visible_to(&owner));
        let Some(model) = model else { return Ok(ModelChoiceMade::Unknown) };
        let used = match choose(&model, dice(job)) {
            Ok(used) => used,
            Err(why) => return Ok(ModelChoiceMade::Unusable(why)),
        };
        let new = ActiveModel {
            job_id: Set(job.uuid()),
            name: Set(used.name.to_string()),
            provider: Set(used.provider.clone()),
            version: Set(used.version.to_string()),
            chosen_at: Set(micros(now)),
        };
        let known = OnConflict::column(Column::JobId).do_nothing().to_owned();
        let done = Entity::insert(new).on_conflict(known).exec_without_returning(&tx).await.during(DOING)?;
        if done == 1 {
            tx.commit().await.during(DOING)?;
            return Ok(ModelChoiceMade::Made(used));
        }
        // Somebody who thought that they held the job was quicker.
        let made = Entity::find_by_id(job.uuid()).one(&tx).await.during(DOING)?;
        made.map_or(Ok(ModelChoiceMade::NoJob), |made| read(made).map(ModelChoiceMade::Made)).during(DOING)
    }
}

fn read(row: rows::model_choice::Model) -> Result<ModelUsed, Undecodable> {
    let rows::model_choice::Model { job_id: _, name, provider, version, chosen_at: _ } = row;
    Ok(ModelUsed {
        name: ModelName::new(&name).map_err(|why| Undecodable::new("model_choices.name", why))?,
        provider,
        version: ModelVersion::new(&version).map_err(|why| Undecodable::new("model_choices.version", why))?,
    })
}
