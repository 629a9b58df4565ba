//! The known answers of SCRAM, and every lie that a broker may tell.

use super::*;

/// RFC 7677, section 3.
const RFC: Known = Known {
    hash: Hash::Sha256,
    user: "user",
    password: "pencil",
    nonce: "rOprNGfwEbeRWgbNEkqO",
    said: [
        "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ],
};

/// From Python's hashlib and hmac, which give RFC 7677's answers too; with names that must be escaped.
const ESCAPED: Known = Known {
    hash: Hash::Sha512,
    user: "a,b=c",
    password: "pencil, = ~",
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    said: [
        "n,,n=a=2Cb=3Dc,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=EBESExQVFhcYGRobHB0eHyAhIiM=,i=8192",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=d0izpHvEblMDNLTLTp91zOn773BXsgr3GocYFT6cBUlPkpmEGIhctbEEnP/u2O5R6Jrkrwvb1ND3L+ouNZnUWg==",
        "v=CkA06qBEZOXdlyGCmUB2SYCcJWddv46gmMj8NzGMbhzO1i4dQk3TP5OW6dUW+grPsqgiQsecMwH5TmkDZqm54g==",
    ],
};

/// A whole exchange: client, broker, client, broker.
struct Known {
    hash: Hash,
    user: &'static str,
    password: &'static str,
    nonce: &'static str,
    said: [&'static str; 4],
}

impl Known {
    fn begin(&self) -> Scram {
        let password = Zeroizing::new(self.password.to_owned());
        Scram::new(self.hash, self.user, password, self.nonce)
    }

    /// An exchange in which only the broker's proof is missing.
    fn answered(&self) -> Scram {
        let mut scram = self.begin();
        scram.answer(self.said[1].as_bytes()).unwrap();
        scram
    }
}

/// How the client takes a challenge in which one thing is another than in the RFC.
fn challenged(was: &str, is: &str) -> Result<Option<String>, Refused> {
    assert!(RFC.said[1].contains(was));
    RFC.begin()
        .answer(RFC.said[1].replacen(was, is, 1).as_bytes())
}

#[test]
fn known_exchanges_are_had_word_for_word() {
    for known in [RFC, ESCAPED] {
        let mut scram = known.begin();
        let [first, challenge, answer, proof] = known.said;
        assert_eq!(scram.first(), first);
        let answered = scram.answer(challenge.as_bytes());
        assert_eq!(answered, Ok(Some(answer.to_owned())));
        assert_eq!(scram.answer(proof.as_bytes()), Ok(None));
        assert_eq!(scram.answer(proof.as_bytes()), Err(Refused::Ended));
    }
}

#[test]
fn a_broker_that_does_not_know_the_password_is_refused() {
    let proof = RFC.said[3];
    let forged = proof.replace("6rri", "7rri");
    let short = format!(
        "v={}",
        STANDARD.encode(&decoded(&proof[2..]).unwrap()[..31])
    );
    for (said, why) in [
        (forged.as_str(), Refused::Unproved),
        (short.as_str(), Refused::Unproved),
        (ESCAPED.said[3], Refused::Unproved),
        ("v=", Refused::Unreadable),
        ("v=%", Refused::Unreadable),
        ("", Refused::Unreadable),
        ("x=6rri", Refused::Unreadable),
        ("e=invalid-proof", Refused::ByBroker),
        ("m=1,v=6rri", Refused::Extension),
    ] {
        let mut scram = RFC.answered();
        assert_eq!(scram.answer(said.as_bytes()), Err(why), "{said}");
        // The right proof no longer helps.
        assert_eq!(scram.answer(proof.as_bytes()), Err(Refused::Ended));
    }
}

#[test]
fn what_follows_what_is_known_is_passed_over() {
    let mut scram = RFC.answered();
    let said = format!("{},x=1", RFC.said[3]);
    assert_eq!(scram.answer(said.as_bytes()), Ok(None));
    assert!(challenged("i=4096", "i=4096,x=1").is_ok());
}

#[test]
fn the_nonce_must_be_ours_with_something_behind_it() {
    for (was, is) in [
        ("rOprNG", "rOprNg"),
        ("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
        ("%hvY", "%h\u{7f}Y"),
        ("%hvY", "%hüY"),
        ("rOprNGfwEbeRWgbNEkqO", "xrOprNGfwEbeRWgbNEkqO"),
    ] {
        assert_eq!(challenged(was, is), Err(Refused::Nonce), "{is}");
    }
}

#[test]
fn neither_too_little_work_is_done_nor_too_much() {
    for (rounds, why) in [
        ("0", Refused::FewRounds),
        ("1", Refused::FewRounds),
        ("4095", Refused::FewRounds),
        ("1000001", Refused::ManyRounds),
        ("4294967295", Refused::ManyRounds),
        ("99999999999999999999", Refused::ManyRounds),
        ("+4096", Refused::Unreadable),
        ("-1", Refused::Unreadable),
        ("4096 ", Refused::Unreadable),
        ("", Refused::Unreadable),
    ] {
        assert_eq!(challenged("4096", rounds), Err(why), "{rounds}");
    }
    assert_eq!(counted("4096"), Ok(NonZeroU32::new(FEWEST_ROUNDS).unwrap()));
    assert_eq!(
        counted("1000000"),
        Ok(NonZeroU32::new(MOST_ROUNDS).unwrap())
    );
}

#[test]
fn what_is_no_challenge_is_refused() {
    for (was, is, why) in [
        ("r=", "q=", Refused::Unreadable),
        ("r=", "m=1,r=", Refused::Extension),
        ("r=", "e=unknown-user,r=", Refused::ByBroker),
        ("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s=", Refused::Unreadable),
        (
            "s=W22ZaJ0SNY7soEsUEjb6gQ==",
            "s=W22ZaJ0SNY7soEsUEjb6gQ",
            Refused::Unreadable,
        ),
        (",s=", ",t=", Refused::Unreadable),
        (",i=4096", "", Refused::Unreadable),
    ] {
        assert_eq!(challenged(was, is), Err(why), "{is}");
    }
    let long = [RFC.said[1].as_bytes(), b",x=", &[b'x'; LONGEST]].concat();
    assert_eq!(RFC.begin().answer(&long), Err(Refused::Unreadable));
    assert_eq!(RFC.begin().answer(b"\xff"), Err(Refused::Unreadable));
    assert_eq!(RFC.begin().answer(b""), Err(Refused::Unreadable));
}
