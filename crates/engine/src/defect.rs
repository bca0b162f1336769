//! Deliberate defects, which the simulator's tests switch on one at a time to show that each of its
//! invariants can fail. Without the feature `defects` nothing of them is in the program: the switch
//! has no size and says no at compile time.

/// What of the engine is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// A caller whose offer came to nothing is not put back.
    CallerNotPutBack,
    /// A caller whose offer came to nothing is put back twice.
    CallerPutBackTwice,
    /// Other shards are not told that the queue holds something for them.
    WakeForgotten,
    /// A seat that refused or let ring out does not rest.
    SeatDoesNotRest,
    /// A seat may let ring out as often as it likes.
    SeatNeverPaused,
    /// After its rest a seat does not come back to the queue.
    SeatRestsForEver,
    /// Every ring is open from the beginning.
    RingsOpenAtOnce,
    /// A caller at risk is let go when a seat lets ring out.
    RiskDropped,
    /// The counsellor who leaves a transfer takes the caller along.
    CounsellorTakesCallerAlong,
    /// A target may ring for ever.
    TargetRingsForEver,
    /// A call has no record.
    RecordForgotten,
    /// A call has two records.
    RecordTwice,
    /// Talk counts twice.
    TalkCountsTwice,
    /// The record is written while the caller is still there.
    CallerNotReleased,
    /// A seat may ring for ever.
    SeatRingsForEver,
    /// A call is not over when its ports are closed.
    WrapupNeverEnds,
    /// Media is not told that a port is given up.
    PortNotClosed,
    /// A port is lost with each change of a session.
    PortLostAtReinvite,
    /// A call leaves a timer behind.
    TimerOutlivesCall,
    /// The line of an offer is lost when the caller hangs up.
    LineLostWithCaller,
    /// A command is answered twice.
    AnsweredTwice,
    /// A command is not answered.
    NeverAnswered,
    /// The counsellor does not hear the caller.
    CallerUnheard,
    /// The caller hears a caller of another call.
    CallersCrossed,
    /// The caller goes on hearing music.
    MusicGoesOn,
    /// Who resumes a call that was held stays unheard.
    ResumeUnheard,
    /// Who calls again stands where who calls for the first time does.
    RedialLosesPlace,
    /// A caller gets the place of somebody else who waits.
    StrangersPlaceTaken,
    /// The danger key is not heard.
    DangerKeyUnheard,
    /// A flag ends with the call.
    FlagForgotten,
    /// Callers at risk can be marked for nuisance.
    MarkedAtRisk,
    /// Every pool counts as one that takes calls.
    StatesUnheeded,
    /// Who waits is not told of pools that stay full.
    FullPoolsUnheeded,
    /// A preference binds although nobody is there who has it.
    PreferenceForNobody,
    /// A place is kept by each redial, for ever.
    PlaceKeptForEver,
    /// Nobody who waits is decided anew.
    NeverDecidedAnew,
    /// A record does not say which table decided.
    TableNotNamed,
    /// Who withholds the number is refused.
    UnknownRefused,
    /// Nobody is told of an emergency that reached nobody.
    AlarmForgotten,
    /// Of several targets only the first is dialled.
    SecondTargetForgotten,
    /// Everybody in a conversation hears everybody else, whatever their parts.
    WrongEar,
    /// The call ends with the first target that hangs up, whoever is still there.
    CallerReleasedFirst,
    /// The counsellor may leave before anybody has taken over.
    CounsellorLetGoUnconfirmed,
    /// A target that is not needed any more is not told.
    TargetLeftBehind,
    /// After a restart nobody asks the queue for the second line any more.
    RequestForgotten,
    /// The caller waits for the second line in the queue, and loses the counsellor.
    CallerQueuedForSecond,
    /// A seat of the second line may ring for ever.
    SecondRingsForEver,
    /// The line of a second-line seat is lost when it hangs up.
    SecondLineLost,
    /// The second line is asked for without the skills of its key.
    SecondUnskilled,
    /// Nobody is told that a supervisor comes.
    SupervisorUntold,
    /// Whoever is dialled on a guess of the place does not hear that it is one.
    DoubtUnsaid,
}

/// The switch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Broken {
    #[cfg(feature = "defects")]
    which: Option<Defect>,
}

impl Broken {
    /// True if this is broken.
    #[cfg(feature = "defects")]
    pub(crate) fn is(self, which: Defect) -> bool {
        self.which == Some(which)
    }

    /// True if this is broken: nothing is.
    #[cfg(not(feature = "defects"))]
    pub(crate) const fn is(self, _: Defect) -> bool {
        false
    }
}

#[cfg(feature = "defects")]
impl crate::Shard {
    /// Breaks it.
    pub fn break_deliberately(&mut self, which: Defect) {
        self.broken.which = Some(which);
    }

    /// Breaks its signalling.
    pub fn break_signaling(&mut self, which: meishier_signaling::Defect) {
        self.endpoint.break_deliberately(which);
    }
}
