"""What a judge, a matching, reviewers and other protocols count, in words beside those of the scores."""

from __future__ import annotations

from titleshot.reports.defined import Words

JUDGEMENT: tuple[Words, ...] = (
    Words(
        name="limit",
        title="What is asked, and the outcome",
        unit="that of its score",
        n_of="as of its score",
        question="Does a score keep the limit the policy sets, whatever chance dealt?",
        formula=(
            "pass: the interval lies wholly on the good side of the limit; fail: wholly beyond it;"
            " undecided: it straddles it, or there is none. Decisive: wholly beyond at the policy's"
            " decisive confidence too"
        ),
        range="pass, fail or undecided",
        misleads="Undecided is not half a pass: it says that there is too little to tell.",
        source="SCORING 8",
    ),
    Words(
        name="decisive",
        title="Decisive",
        unit="yes or no",
        n_of="as of its score",
        question="Is a criterion missed so clearly that no more evidence need be asked for?",
        formula="the interval at the policy's decisive confidence, too, lies wholly beyond the limit",
        range="yes or no; a critical criterion that fails decisively rejects at once",
        misleads="It says how sure one is, not how large the loss is.",
        source="SCORING 8",
    ),
    Words(
        name="looks",
        title="Looks",
        unit="count",
        better="down",
        n_of="judgings of an overlapping span, of whichever challenger",
        question="How often was this history judged already?",
        formula=(
            "distinct earlier comparisons in the ledger on overlapping spans of the same dataset. A policy"
            " plans so many looks and shares the error it accepts among them: confidence = 1 − error /"
            " planned looks"
        ),
        range="0 upward; beyond the planned ones nothing is promoted",
        misleads="Looks in another home, or with the eyes only, are not counted.",
        source="SCORING 4",
    ),
    Words(
        name="missing_evidence",
        title="What is missing",
        unit="incidents, days or weeks",
        better="down",
        n_of="incidents or days so far",
        question="How much more evidence would decide an undecided criterion?",
        formula=(
            "what the policy asks for at least, less what there is; and the n at which an interval that"
            " narrows with the root of n would no longer straddle its limit. Weeks at the rate of the span"
        ),
        range="0 upward; futile where it is more than the policy's maximum",
        misleads="Taken at the difference found so far, which may itself be luck.",
        source="SCORING 4 and 8",
    ),
    Words(
        name="budget",
        title="Budget",
        unit="ms or MB",
        better="down",
        n_of="what was measured in the shadow",
        question="May it cost what it costs to run?",
        formula="what was measured while it ran beside the champion, against the limit of the policy",
        range="kept, exceeded or not measured",
        misleads="Measured under the load of those days, on the machine it ran on.",
        source="SCORING 8",
    ),
    Words(
        name="since_last",
        title="Since the last report",
        unit="count",
        n_of="scores and incidents of both reports",
        question="What would a reader of the last report of this decision find different now?",
        formula=(
            "the evidence of the same decision that was judged last before this one, as it was written. A"
            " score moved: its difference now lies outside the interval it had then. Newly lost: lost now,"
            " and not then"
        ),
        range="0 upward",
        misleads=(
            "The two mostly share their days, so a move is no test. One more label or another policy moves"
            " numbers too: what is not the same is named."
        ),
        source="DESIGN 9",
    ),
    Words(
        name="cost_of_being_wrong",
        title="Cost of being wrong",
        unit="incidents a quarter, false pages a week",
        better="down",
        n_of="as of the two scores",
        question="What would each mistake cost, if the interval's worse end were true?",
        formula=(
            "the end of the interval of the difference that hurts: of recall, times the incidents of 13"
            " weeks; of false pages, as it is"
        ),
        range="0 upward",
        misleads="Two ends at once are rarer than either. It prices no night and no customer.",
        source="SCORING 4",
    ),
    Words(
        name="broken_nights",
        title="Nights broken for nothing",
        unit="count",
        better="down",
        n_of="nights of a route with a page",
        question="How often would somebody on call have been woken and found nothing new?",
        formula="nights of one route with pages, none of which was the first word on an incident",
        range="0 upward",
        misleads="A night with one right page among twenty false ones is not counted.",
        source="the page's own; pages as matched",
    ),
)
MATCHING: tuple[Words, ...] = (
    Words(
        name="matching",
        title="Caught, missed, false, repeated",
        unit="count",
        n_of="incidents and pages in scored time",
        question="When is a page right, and when is an incident caught?",
        formula=(
            "a page hits an incident if it names a service the incident affected and comes from early"
            " before its start until grace after its end; first hit: caught; later ones on the same route:"
            " repeated, on another: further team; none: false, or unmatched where labels are not complete."
            " One page hits one incident at most"
        ),
        range="0 upward",
        misleads="A page may be right about what nobody labelled: then it looks false.",
        source="SCORING 1",
    ),
    Words(
        name="delay_curve",
        title="Share paged within a delay",
        unit="ratio",
        better="up",
        n_of="incidents, missed ones too",
        question="Of all incidents, how many were paged within each delay?",
        formula="incidents whose first hit came at most so long after the start / all incidents scored",
        range="0 to incident_recall",
        misleads="Its end is recall; its shape says nothing of which incidents are the late ones.",
        source="SCORING 2",
    ),
    Words(
        name="duplicates_spread",
        title="Incidents by their repeated pages",
        unit="count",
        n_of="detected incidents; in a comparison those both detected",
        question="Are repeats spread thinly, or does one incident page all night?",
        formula="detected incidents by the number of pages on a route that knew of them already",
        range="0 upwards",
        misleads="It is no estimate: one long incident is its whole tail.",
        source="SCORING 2",
    ),
    Words(
        name="noise",
        title="Pages for nothing by service and route",
        unit="count",
        better="down",
        n_of="pages",
        question="Who was paged for nothing, and how often?",
        formula="false and repeated pages; a page that names several services counts for each of them",
        range="0 upward",
        misleads="Columns by service add up to more than the pages.",
        source="SCORING 2",
    ),
    Words(
        name="broken_rules",
        title="Rows that broke a rule",
        unit="count",
        better="down",
        n_of="rows of the table",
        question="Was the data fit to judge by?",
        formula="rows a validation rule names; rules that block leave the dataset unusable, others warn",
        range="0 upward",
        misleads="A warning on few rows may be all of one service.",
        source="DESIGN 4",
    ),
)
ANSWERS: tuple[Words, ...] = (
    Words(
        name="usefulness_bracket",
        title="Bracket of usefulness",
        unit="ratio",
        n_of="scored pages, judged or not",
        question="How useful may all pages have been, when only some were judged?",
        formula=(
            "low end: every unjudged page noisy; high end: every one useful; of a difference each way for"
            " each side. At its limits: the lower confidence limit of the low end to the upper one of the"
            " high end"
        ),
        range="0 to 1, of a difference −1 to 1; as wide as pages are unjudged",
        misleads="Its middle is no estimate. Only answers make it narrower.",
        source="SCORING 5",
    ),
    Words(
        name="judged_share",
        title="Label coverage",
        unit="ratio",
        better="up",
        n_of="scored pages",
        question="Of how many pages does anybody know whether they were useful?",
        formula="(pages judged themselves + pages of the same story as a judged one) / scored pages",
        range="0 to 1",
        misleads="Pages people chose to answer on are seldom a fair draw.",
        source="SCORING 5",
    ),
    Words(
        name="review_queue",
        title="What to label next",
        unit="ratio, or percentage points of a bracket's width",
        better="up",
        n_of="unjudged pages an answer settles",
        question="Which unanswered pages would narrow the bracket fastest?",
        formula=(
            "for each page, how far the limits are expected to move if it and the unjudged pages of its"
            " story were settled, weighed by how often pages of its kind were useful; every third place is"
            " drawn at random"
        ),
        range="0 to the bracket's width",
        misleads="An expectation: one answer may move nothing. Only the random third speaks for all pages.",
        source="SCORING 5",
    ),
    Words(
        name="cause_named",
        title="Cause named, said reviewers",
        unit="count",
        better="up",
        n_of="judged pages of which the actual service is known",
        question="Where somebody said which service it really was, had the page named it?",
        formula="pages whose probable service is the one a reviewer named / judged pages with such an answer",
        range="0 to the pages with an answer",
        misleads="Reviewers name a cause when it is clear, so hard cases are left out.",
        source="SCORING 5",
    ),
    Words(
        name="reviewer_agreement",
        title="Do reviewers agree",
        unit="Krippendorff's alpha",
        better="up",
        n_of="pages with two answers or more",
        question="Would another responder have said the same?",
        formula="1 − observed / expected disagreement, over pairs of answers on the same page",
        range="1 full agreement, 0 what chance gives, below 0 systematic disagreement",
        misleads="Undefined where nobody was asked twice; rare verdicts make it jump.",
        source="SCORING 5; Krippendorff 2011",
    ),
    Words(
        name="answer_delay",
        title="Delay and age of answers",
        unit="s",
        better="down",
        n_of="answers",
        question="How soon after the page did people answer, and how long ago was that?",
        formula=(
            "delay: page to answer; age: answer to the moment labels are taken as of; medians and 90 % values"
        ),
        range="0 upward",
        misleads="Answers from memory, days later, are kinder than those of the night.",
        source="SCORING 5",
    ),
)
ELSEWHERE: tuple[Words, ...] = (
    Words(
        name="nab",
        title="NAB score",
        unit="0 to 100 of a profile",
        better="up",
        n_of="files of the corpus",
        question="How does a detector fare by the Numenta Anomaly Benchmark's rules?",
        formula=(
            "100 (raw − null) / (perfect − null); early detections in a window earn more, misses and false"
            " ones cost"
        ),
        range="below 0 for one that costs more than silence; 100 is best",
        misleads=(
            "Windows are a tenth of each file, so a blind alarm every 250 rows scores above 0. The"
            " threshold is an oracle: it is swept over the labels that are scored."
        ),
        source="Lavin and Ahmad 2015; reports/literature/nab.py",
    ),
)
