//! Cosignatures (C2SP tlog-cosignature, `cosignature/v1`): what a witness says of a checkpoint, and when.

use super::{
    key::{Kind, SIGNATURE, SigningKey, VerifierKey},
    note::Signature,
};

/// Bytes of the time before the signature.
const TIME: usize = 8;

/// What a witness signs: the checkpoint without any signature, at a time in seconds since 1970.
pub fn message(time: u64, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint}")
}

/// The line of a witness under a checkpoint; none if the key is not that of a witness.
pub fn sign(key: &SigningKey, time: u64, checkpoint: &str) -> Option<Signature> {
    let verifier = key.verifier();
    let signature = key.sign(message(time, checkpoint).as_bytes());
    let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
    let line = Signature::new(verifier.name(), verifier.id(), bytes)?;
    (verifier.kind() == Kind::Witness).then_some(line)
}

/// When this witness cosigned this checkpoint, in seconds since 1970; none if the line is not its own or not over this
/// checkpoint.
pub fn time_of(line: &Signature, key: &VerifierKey, checkpoint: &str) -> Option<u64> {
    if key.kind() != Kind::Witness || !line.names(key) || line.bytes().len() != TIME + SIGNATURE {
        return None;
    }
    let (time, signature) = line.bytes().split_first_chunk::<TIME>()?;
    let time = u64::from_be_bytes(*time);
    // A time of zero stands for no time, which is for other uses of the format.
    let signed = time > 0 && key.verifies(message(time, checkpoint).as_bytes(), signature);
    signed.then_some(time)
}

#[cfg(test)]
mod tests {
    //! Cosignatures of a real witness, and our own.

    use super::*;
    use crate::{log::note::Note, tests::vectors};

    #[test]
    fn the_cosignature_of_a_real_witness_holds_for_its_checkpoint_and_time_only() {
        let Some(vectors) = vectors("witness-add-checkpoint.json") else {
            return;
        };
        let text = |what: &str| vectors[what].as_str().unwrap().to_owned();
        let witness = VerifierKey::parse(&text("witness_vkey")).unwrap();
        let log = VerifierKey::parse(&text("log_vkey")).unwrap();
        let note = Note::parse(text("cosigned_checkpoint").as_bytes()).unwrap();
        let keys = [log, witness.clone()];
        assert_eq!(note.verify(&keys).unwrap(), keys.iter().collect::<Vec<_>>());
        let line = note
            .signatures()
            .iter()
            .find(|line| line.names(&witness))
            .unwrap();
        let time = time_of(line, &witness, note.text()).unwrap();
        assert_eq!(
            hex::encode(message(time, note.text())),
            text("cosign_message_hex")
        );
        assert_eq!(
            time_of(line, &witness, &note.text().replace("70000", "70001")),
            None
        );
        let mut later = line.bytes().to_vec();
        later[7] ^= 1;
        let later = Signature::new(witness.name(), witness.id(), later).unwrap();
        assert_eq!(time_of(&later, &witness, note.text()), None);
    }

    #[test]
    fn a_witness_signs_with_its_own_kind_of_key() {
        let key = |kind| SigningKey::new("example.test/witness", kind, &[9; 32]).unwrap();
        let (witness, log) = (key(Kind::Witness), key(Kind::Log));
        let line = sign(&witness, 1_790_000_000, "a\n1\nb\n").unwrap();
        assert_eq!(
            time_of(&line, witness.verifier(), "a\n1\nb\n"),
            Some(1_790_000_000)
        );
        assert_eq!(time_of(&line, log.verifier(), "a\n1\nb\n"), None);
        assert_eq!(sign(&log, 1_790_000_000, "a\n1\nb\n"), None);
        let zero = sign(&witness, 0, "a\n1\nb\n").unwrap();
        assert_eq!(time_of(&zero, witness.verifier(), "a\n1\nb\n"), None);
    }
}
