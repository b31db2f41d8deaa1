"""Numbers that stand beside scores, in words: how sure one is of them, and what luck gives."""

from __future__ import annotations

from titleshot.reports.defined import Words

SURENESS: tuple[Words, ...] = (
    Words(
        name="interval",
        title="Interval",
        unit="that of its score",
        n_of="days of the span, or incidents",
        question="Between which values could the number lie, had chance dealt other days of the same kind?",
        formula=(
            "each end is the farther of a percentile of the day-block bootstrap and a closed form: Wilson's"
            " score interval for proportions of incidents, Tango's for paired proportions, the limit of what"
            " was not seen for counts and times. Both only worsen when a contender does, so one more false"
            " page, repeat or miss never improves an end. Usefulness: the bias-corrected bootstrap (BCa). The"
            " method is named beside each; percentiles are widened for few days"
        ),
        range="within the range of its score; none under 20 days, but for proportions",
        misleads=(
            "It speaks of chance between days, not of wrong labels, of a setting, or of a season the span"
            " does not hold. An interval that holds zero does not say that there is no difference."
        ),
        source=(
            "SCORING 4; Wilson 1927, Tango 1998, Efron 1987, Hesterberg 2015; held to its word in TRUTH.md"
        ),
    ),
    Words(
        name="paired_difference",
        title="Difference",
        unit="that of its score; of ratios, percentage points",
        n_of="the same incidents, pages or weeks on both sides",
        question="How much more or less does the challenger score than the champion on the same days?",
        formula="challenger − champion, both against the same incidents and the same days",
        range="that of its score, either way",
        misleads=(
            "Two values whose own intervals overlap may well differ for sure: only this one's interval"
            " decides."
        ),
        source="SCORING 4",
    ),
    Words(
        name="p_value",
        title="p",
        unit="probability",
        n_of="days",
        question="If champion and challenger were the same, how often would a difference this large come up?",
        formula=(
            "on random days the two trade places, B times; (1 + how many are as far apart) / (1 + B), two-"
            " sided"
        ),
        range="above 0 to 1; small is surprising",
        misleads=(
            "It is not the probability that there is no difference, and a tiny one does not make a large"
            " effect. It never decides: the interval does."
        ),
        source="SCORING 4; sign flips of whole days",
    ),
    Words(
        name="discordant",
        title="On one side only",
        unit="count",
        n_of="incidents",
        question="On how many incidents do the two disagree?",
        formula=(
            "incidents that count for the score with the challenger only, and with the champion only: caught,"
            " named, merged, whatever the score counts"
        ),
        range="0 to all incidents",
        misleads=(
            "Incidents both catch or both miss say nothing of which is better, however many there are. Where"
            " less is better, more of them on a side speak against it."
        ),
        source="SCORING 4",
    ),
    Words(
        name="won_lost_tied",
        title="Won, lost, tied",
        unit="count",
        n_of="incidents",
        question="On how many incidents would each have been the better one to have?",
        formula=(
            "won: only the challenger detected it, or only it did so within the time the decision asks"
            " for; lost: the other way round; tied: neither. Incidents with a page already open, or outside"
            " scored time, are not scored"
        ),
        range="0 to all incidents",
        misleads="Weighs a critical incident like a low one; the table has their severity.",
        source="SCORING 4",
    ),
    Words(
        name="design_effect",
        title="Design effect of days",
        unit="factor",
        n_of="days",
        question="How much less do incidents of the same day say than as many on days of their own?",
        formula=(
            "variance of the proportion between days / variance of as many independent incidents, at least 1"
        ),
        range="1 upward; 1: incidents of one day are as good as independent",
        misleads="Itself uncertain with few days.",
        source="SCORING 4",
    ),
    Words(
        name="day_blocks",
        title="Days, resamples and seed",
        unit="count",
        n_of="days UTC",
        question="What was drawn at random to make the intervals, and can it be drawn again?",
        formula=(
            "whole days over all services are drawn with replacement, B times, with a recorded seed; an"
            " incident and its pages belong to the day of its start, a false page to the day it was sent"
        ),
        range="20 days and more for a bootstrap",
        misleads="Days are taken as independent: an outage of a week counts as seven.",
        source="SCORING 4",
    ),
    Words(
        name="n",
        title="n",
        unit="count",
        n_of="what stands beside it: incidents, pages, weeks, alerts, suspicions",
        question="How much does a number rest on?",
        formula="a count of what is in the denominator",
        range="0 upward",
        misleads="A large n of pages may rest on few days; the interval knows.",
        source="SCORING, first line",
    ),
)
LUCK: tuple[Words, ...] = (
    Words(
        name="chance_level",
        title="By luck",
        unit="that of its score",
        n_of="moves of the labels",
        question="What would the same pages score if they had nothing to do with the incidents?",
        formula=(
            "the score against labels moved by whole weeks, each weekday for itself where whole weeks are"
            " few, round the span where it is short; the mean over the moves, and the value 95 % of them"
            " stay below"
        ),
        range="that of its score",
        misleads=(
            "Moved labels keep hour and weekday only where the span is three weeks or longer. With few"
            " moves the 95 % value is one of them."
        ),
        source="SCORING 4",
    ),
    Words(
        name="baselines",
        title="Never, always, random",
        unit="that of its score",
        n_of="pages each would have sent",
        question="What do contenders reach that know nothing?",
        formula=(
            "never: no page; always: every service once an hour, seldomer where that would be more than"
            " 200,000 pages; random: the contender's own pages, service by service, at random times, a mean"
            " of 20 draws"
        ),
        range="that of its score",
        misleads="One that beats all three may still be of no use; one that does not beat them is of none.",
        source="SCORING 4",
    ),
    Words(
        name="other_cuts",
        title="Other cuts of the same alerts",
        unit="that of its score",
        n_of="alerts",
        question="What do candidates score that were cut without looking?",
        formula=(
            "as labelled: what these alerts allow at most; each alone; all in one; the contender's own"
            " candidates dealt out again; as many windows of 5 minutes at random times (means of 10 draws)"
        ),
        range="that of its score",
        misleads="A score that all in one, or each alone, earns too, is worth nothing by itself.",
        source="SCORING 3",
    ),
    Words(
        name="guessed_causes",
        title="Guessed causes",
        unit="that of its score",
        n_of="incidents",
        question="How often is the cause named right without knowing anything?",
        formula=(
            "a random member of the candidate; the service that was the cause most often; the one that"
            " alerted first; and, as the most there is to reach, the cause wherever it is among the members"
        ),
        range="that of its score",
        misleads="Where one service causes most incidents, naming it always looks clever.",
        source="SCORING 3",
    ),
    Words(
        name="abstention_curve",
        title="Right, of those at least so sure",
        unit="ratio",
        better="up",
        n_of="suspicions",
        question="If it kept quiet below a confidence, how often would what it still says be right?",
        formula=(
            "at each confidence: suspicions at least that sure / all of them, and of these the share that"
            " names the cause"
        ),
        range="0 to 1, both",
        misleads="The confidence to keep quiet below is read off the labels it is scored by: an oracle.",
        source="SCORING 3",
    ),
    Words(
        name="sensitivity",
        title="Sensitivity to early and grace",
        unit="that of its score",
        n_of="as of its score",
        question="Does a score turn on how early or late a page may come and still be a hit?",
        formula="everything matched again with early_s, grace_s and both at half and at double their length",
        range="that of its score",
        misleads="A time of zero stays zero at any factor: then nothing is tried, and it is said so.",
        source="SCORING 1",
    ),
)
