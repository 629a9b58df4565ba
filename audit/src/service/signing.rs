//! What signs, and what others say of that which was signed: witnesses, and a time-stamping authority.

use std::{sync::Arc, time::Duration};

use stage::{
    Context,
    database::{Database, Lead},
};

use crate::{
    config::Config,
    evidence::Evidence,
    log::key::SigningKey,
    signer::{self, Signer, heads::HeadStore},
    stamp::Stamper,
    store::Store,
    witness::{Objections, Witnesses},
};

/// The signer and whom it is shown to.
pub(crate) struct Signing {
    signer: Signer,
    witnesses: Witnesses,
    stamper: Option<Stamper>,
}

impl Signing {
    /// By the settings, for the log in this store.
    pub(crate) fn of(
        (config, history): (&Config, &Database),
        store: Arc<dyn Store>,
        (key, heads): (Arc<SigningKey>, Arc<dyn HeadStore>),
        context: &Context,
    ) -> anyhow::Result<Self> {
        let objections = Objections::default();
        let witnesses = Witnesses::of(
            (&config.witnesses, config.witness),
            Arc::clone(&store),
            Arc::clone(&key),
            Arc::clone(&context.clock),
            objections.clone(),
        )?;
        // Stamped is what is shown: a token over a checkpoint that lacks the quorum would prove less than it seems to.
        let evidence = Evidence::on(Arc::clone(&store)).asking(config.witness_quorum);
        let stamper = Stamper::of(&config.timestamps, (Arc::clone(&store), evidence), context)?;
        let signer = Signer {
            store,
            heads,
            key,
            clock: Arc::clone(&context.clock),
            lead: Lead::of(history, signer::NAME),
            objections,
            period: Duration::from_millis(config.checkpoint_ms),
        };
        Ok(Self {
            signer,
            witnesses,
            stamper,
        })
    }

    /// Signs, has it cosigned and has it stamped, until asked to stop.
    pub(super) async fn run(&self, context: &Context) {
        // Whoever has seen another history says so before this one is signed.
        self.witnesses.greet(context).await;
        let stamp = async {
            if let Some(stamper) = &self.stamper {
                stamper.run(&self.signer.lead, context).await;
            }
        };
        tokio::join!(
            self.signer.run(context),
            self.witnesses.run(&self.signer.lead, context),
            stamp,
        );
    }
}
