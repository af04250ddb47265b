"""Ask for stochastic depth: survival, gates, drawn networks, costs, impostors."""

import itertools
import math

from course_lib.grading.question import Chapter

stochastic_depth = Chapter(
    "stochastic_depth",
    title="Stochastic Depth",
    about="They follow Huang, Sun, Liu, Sedra and Weinberger (ECCV 2016): which blocks "
    "survive, how deep the drawn networks are, what a gate does in training and at "
    "test, and what is saved. At the end you can tell stochastic depth from its "
    "impostors. In all of them block 1 stands next to the image, and `last` is the "
    "survival probability of the last block, the paper's p_L.",
    enough="Plain Python is enough; products are `math.prod`.",
    imports=("import itertools", "import math"),
    data=("VALIDATION", "TEST"),
)

# Errors in % after each of 14 epochs, on 200 and on 1,297 digits, of a network like the
# chapter's, one seed
VALIDATION = [53.0, 51.0, 16.5, 8.5, 6.5, 6.5, 6.5, 3.0, 4.5, 4.0, 5.0, 6.0, 6.5, 5.5]
TEST = [57.0, 50.8, 17.6, 10.4, 5.9, 6.7, 5.9, 6.1, 5.6, 5.3, 4.9, 4.5, 5.5, 5.0]


def draw_last(rng):
    return rng.choice([0.5, round(rng.uniform(0.1, 0.95), 2)])


def draw_line(rng):
    return [rng.randint(2, 60), draw_last(rng)]


@stochastic_depth.question(
    "The survival line",
    points=2,
    returns="a list of numbers, one a block,",
    visible=([4, 0.5], [9, 0.5], [5, 0.2]),
    draw=draw_line,
    slips={
        "(1 - last) -> last": (
            "`last` is taken for the rate at which the last block is dropped; it is "
            "the probability that it survives."
        ),
        "block / blocks -> (block - 1) / (blocks - 1)": (
            "The line begins at 1 with the first block in yours; it begins at 1 with "
            "the input, so that the first block may be dropped, too."
        ),
        "block / blocks -> (block - 1) / blocks": (
            "The blocks are counted from 0; then the last one survives more often than "
            "`last` says."
        ),
        "block / blocks * (1 - last) -> (1 - last)": (
            "All blocks have the same probability in yours, the paper's uniform rule; "
            "the line falls."
        ),
        "1 - block / blocks * (1 - last) -> block / blocks * (1 - last)": (
            "Those are the probabilities of being dropped."
        ),
        "1 - block / blocks * (1 - last) -> last ** (block / blocks)": (
            "The probabilities fall by a factor; they fall by the same step."
        ),
        "range(1, blocks + 1) -> range(blocks + 1)": (
            "One entry too many: the input's 1 is no block."
        ),
        "range(1, blocks + 1) -> range(1, blocks)": "The last block is missing.",
        "range(1, blocks + 1) -> range(blocks, 0, -1)": (
            "The line is turned round: it falls from the input on."
        ),
        "1 - block / blocks * (1 - last) -> 1 - block * (1 - last)": (
            "Each block takes the whole fall off; all of them together do."
        ),
        "block / blocks -> block / (blocks + 1)": (
            "The last block does not reach `last`: divide by the number of blocks."
        ),
    },
    hints=(
        "From 1 at the input, block 0, the line falls by equal steps to `last` at the "
        "last block.",
        "Each of the steps is `(1 - last) / blocks`.",
    ),
)
def survival_line(blocks, last):
    """
    Return the survival probabilities p of the blocks 1 to `blocks`, by the rule of
    linear decay (equation 4): p falls by the same step from block to block, from 1 at
    the input, which is no block, to `last` at the last block.
    """
    return [1 - block / blocks * (1 - last) for block in range(1, blocks + 1)]


@stochastic_depth.question(
    "How many blocks are active?",
    points=2,
    returns="a list `[mean, deviation]` of numbers",
    visible=([54, 0.5], [600, 0.5], [54, 0.2]),
    draw=draw_line,
    slips={
        "sum(line) -> (3 * blocks - 1) / 4": (
            "The mean is (3L - 1)/4 whatever `last` is; that holds for 0.5."
        ),
        "sum(line) -> 3 * blocks / 4": (
            "The mean is 3L/4, the paper's value for large L and a `last` of 0.5."
        ),
        "sum(line) -> blocks * (1 + last) / 2": (
            "The mean lies in the middle of 1 and `last`; the line's first block is "
            "already below 1, so it lies a little lower."
        ),
        "sum(line) -> blocks * last": (
            "The mean is that of the uniform rule; here each block has its own "
            "probability."
        ),
        "sum(line) -> sum(line) / blocks": (
            "That is the mean share of active blocks; their number is asked for."
        ),
        "sum(line) -> blocks - sum(line)": (
            "The dropped blocks are counted; the active ones are asked for."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> sum(p * (1 - p) for p in line)": (
            "The second number is the variance; the deviation is its root."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> sum(math.sqrt(p * (1 - p)) for p "
        "in line)": (
            "The blocks' deviations are added up; their variances are, and the root is "
            "taken of the sum."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> "
        "math.sqrt(sum(line) * (1 - sum(line) / blocks))": (
            "The deviation is that of equal blocks; each has its own p (1 - p)."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> math.sqrt(sum((p - sum(line) / "
        "blocks) ** 2 for p in line) / blocks)": (
            "That is how far the probabilities lie from each other; how far the number "
            "of active blocks lies from its mean is asked for."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> math.sqrt(sum(line))": (
            "The variance of a gate is p (1 - p); here it is p."
        ),
        "math.sqrt(sum(p * (1 - p) for p in line)) -> math.sqrt(sum(p * (1 - p) for p "
        "in line) / blocks)": (
            "The variance is divided by the number of blocks; that of a sum is the sum "
            "of the variances."
        ),
    },
    hints=(
        "The mean of a sum is the sum of the means: your `survival_line`, added up.",
        "A gate that is 1 with probability p and else 0 has the variance `p * (1 - "
        "p)`. Gates are drawn independently, so their variances add up.",
        "The deviation is the root of the sum.",
    ),
)
def active_blocks(blocks, last):
    """
    Each block is active with its probability on the survival line, independently of the
    others. Return the mean number of active blocks and its standard deviation.

    The paper has (3L - 1)/4 for the mean at a `last` of 0.5: 40.25 of 54.
    """
    line = survival_line(blocks, last)
    return [sum(line), math.sqrt(sum(p * (1 - p) for p in line))]


def draw_numbers(rng):
    """Return numbers for some mini-batches, none of which equals its probability."""
    blocks = 3 * rng.randint(2, 5)
    last = draw_last(rng)
    line = survival_line(blocks, last)
    rows = []
    for _ in range(rng.randint(2, 5)):
        row = [round(rng.random(), 2) for _ in line]
        near = [abs(number - p) < 1e-6 for number, p in zip(row, line, strict=True)]
        rows.append([0.001] * blocks if any(near) else row)
    return [rows, last]


@stochastic_depth.question(
    "The depths of drawn networks",
    points=1,
    returns="a list of whole numbers, one a mini-batch,",
    visible=(
        [[[0.9, 0.7, 0.1], [0.2, 0.6, 0.55]], 0.5],
        [[[0.95, 0.3, 0.81, 0.64, 0.02, 0.99, 0.4, 0.55, 0.1]], 0.5],
    ),
    draw=draw_numbers,
    slips={
        "number < p -> number > p": (
            "A block is dropped in yours where its number is small; it survives where "
            "the number is below p."
        ),
        "number < p -> number < last": (
            "All blocks have the last one's probability in yours."
        ),
        "number < p -> number < 1 - p": (
            "The number is compared with the probability of being dropped."
        ),
        "number < p -> number < 0.5": (
            "All blocks survive half of the time in yours; each has its probability on "
            "the line."
        ),
        "2 + 2 * sum -> 2 * sum": (
            "Two layers stand in no block and are never dropped: the first convolution "
            "and the dense layer."
        ),
        "2 + 2 * sum -> 1 + 2 * sum": (
            "Two layers stand in no block; one of them is missing."
        ),
        "2 + 2 * sum -> 2 + sum": "An active block counts once; it has two layers.",
        "2 + 2 * sum -> sum": "Those are the active blocks; layers are asked for.",
        "2 + 2 * sum -> 2 + 6 * sum": (
            "6n + 2 counts n blocks in each of three stages; here the active blocks of "
            "all stages are counted already, with two layers each."
        ),
        "in numbers -> in numbers[:1]": (
            "Only the first mini-batch has a depth in yours; each has its own."
        ),
    },
    hints=(
        "Compare each number with its block's p on your `survival_line`.",
        "Two layers a block that survives, and two in no block.",
    ),
)
def drawn_layers(numbers, last):
    """
    `numbers` has a row for each mini-batch, with a number from 0 to 1 for each block of
    a network; a block survives if its number is below its p on the survival line.
    Return the number of layers of each drawn network.

    A block has two layers. Two more, the first convolution and the dense layer, stand
    in no block. No number equals its p, so you need not care about ties.
    """
    line = survival_line(len(numbers[0]), last)
    return [
        2 + 2 * sum(number < p for number, p in zip(row, line, strict=True))
        for row in numbers
    ]


def draw_gate(form, mode):
    """Return a function that draws a case of this form and mode."""

    def draw(rng):
        size = rng.randint(3, 6)
        x = [round(rng.uniform(0, 2), 2) for _ in range(size)]
        branch = [round(rng.uniform(-3, 3), 2) for _ in range(size)]
        return [x, branch, round(rng.uniform(0.2, 0.9), 2), form, mode]

    return draw


@stochastic_depth.question(
    "A block with a gate",
    points=2,
    returns="a list of numbers, as long as `x`,",
    visible=(
        [[1.0, 0.0, 2.0], [-3.0, 1.5, 0.5], 0.5, "paper", "kept"],
        [[1.0, 0.0, 2.0], [-3.0, 1.5, 0.5], 0.5, "paper", "dropped"],
        [[1.0, 0.0, 2.0], [-3.0, 1.5, 0.5], 0.5, "paper", "test"],
        [[1.0, 0.0, 2.0], [-3.0, 1.5, 0.5], 0.8, "inverted", "kept"],
        [[1.0, 0.0, 2.0], [-3.0, 1.5, 0.5], 0.8, "inverted", "test"],
    ),
    draw=(  # what is done at test, more often than the rest
        *[draw_gate("paper", "test")] * 3,
        *[draw_gate("inverted", "test")] * 2,
        *[draw_gate("inverted", "kept")] * 2,
        draw_gate("paper", "kept"),
        draw_gate("paper", "dropped"),
        draw_gate("inverted", "dropped"),
    ),
    slips={
        '"test": survival} -> "test": 1.0}': (
            "At test the branch counts whole in yours; in the paper's form it is "
            "multiplied by its survival (equation 5)."
        ),
        '"test": survival} -> "test": 1 / survival}': (
            "At test the branch is divided by its survival; in the paper's form it is "
            "multiplied by it."
        ),
        '"test": survival} -> "test": 1 - survival}': (
            "At test the branch is multiplied by the probability of being dropped."
        ),
        '{"kept": 1.0, -> {"kept": survival, ': (
            "In training a branch that is kept counts whole in the paper's form."
        ),
        '"kept": 1 / survival -> "kept": 1.0': (
            "In the inverted form a branch that is kept in training is divided by its "
            "survival."
        ),
        '"kept": 1 / survival -> "kept": survival': (
            "In the inverted form a kept branch is divided by its survival, not "
            "multiplied."
        ),
        '"kept": 1 / survival -> "kept": 1 / (1 - survival)': (
            "Divide by the probability of surviving, not by that of being dropped."
        ),
        '"dropped": 0.0, "test": 1.0} -> "dropped": 0.0, "test": survival}': (
            "In the inverted form nothing is left to do at test: the factor is 1."
        ),
        "max(start + factor * value, 0.0) -> start + factor * value": (
            "The ReLU behind the sum is missing."
        ),
        "max(start + factor * value, 0.0) -> start + max(factor * value, 0.0)": (
            "ReLU acts on the branch in yours; it stands behind the sum."
        ),
        "max(start + factor * value, 0.0) -> max(factor * (start + value), 0.0)": (
            "The gate multiplies the shortcut, too; that always passes x as it is."
        ),
        "max(start + factor * value, 0.0) -> max(factor * value, 0.0)": (
            "The shortcut is missing: x is added to the branch."
        ),
        "max(start + factor * value, 0.0) -> max((factor or 1) * (start + (value if "
        "factor else 0)), 0.0)": (
            "The shortcut is scaled with the branch in yours; it always passes x as it "
            "is."
        ),
        '"dropped": 0.0, "test": 1.0} -> "dropped": 1 / survival, "test": 1.0}': (
            "In the inverted form a branch that is dropped counts in yours, too; in "
            "either form it counts 0."
        ),
        "max(start + factor * value, 0.0) -> max((start if factor else 0) + factor * "
        "value, 0.0)": (
            "A dropped block gives zeros in yours; only its branch is dropped, x is "
            "passed on."
        ),
        '"dropped": 0.0, "test": survival} -> "dropped": survival, "test": survival}': (
            "A branch that is dropped counts in yours; it counts 0."
        ),
        'form == "inverted" -> False': (
            "The inverted form is not told from the paper's."
        ),
        'form == "inverted" -> True': (
            "The paper's form is not told from the inverted one."
        ),
    },
    hints=(
        "All that differs is the factor of the branch: find it, then add x and apply "
        "ReLU.",
        "Paper: 1 if kept, 0 if dropped, `survival` at test. Inverted: 1/`survival` if "
        "kept, 0 if dropped, 1 at test.",
    ),
)
def gated_block(x, branch, survival, form, mode):
    """
    A block adds its branch's output to its input `x`, then applies ReLU. `branch` is
    that output, number by number. `mode` is "kept" or "dropped", in training, or
    "test". Return the block's output.

    `form` "paper" leaves a branch that is kept in training as it is, and multiplies
    each branch by its `survival` at test (equations 2 and 5). "inverted", as in much
    later code, divides a kept branch by its `survival` in training and leaves it as it
    is at test.
    """
    factor = {"kept": 1.0, "dropped": 0.0, "test": survival}[mode]
    if form == "inverted":
        factor = {"kept": 1 / survival, "dropped": 0.0, "test": 1.0}[mode]
    return [
        max(start + factor * value, 0.0) for start, value in zip(x, branch, strict=True)
    ]


def draw_lamps(rng):
    lamps = "".join(rng.choice("##.") for _ in range(rng.randint(2, 12)))
    return [lamps, draw_last(rng)]


@stochastic_depth.question(
    "How likely is this network?",
    points=2,
    returns="a number",
    visible=(["##", 0.5], [".#", 0.5], ["#" * 54, 0.5], ["#.#.", 0.8]),
    draw=draw_lamps,
    slips={
        "1 - p for -> 1 for": (
            "Only the active blocks count; that the others were dropped has a "
            "probability, too."
        ),
        'lamp == "#" -> lamp == "."': (
            "Active and dropped are exchanged: `#` is a block that survives."
        ),
        "math.prod(chances) -> sum(chances)": (
            "Probabilities of independent draws are multiplied, not added."
        ),
        "survival_line(len(lamps), last) -> [last] * len(lamps)": (
            "All blocks have the last one's probability in yours; each has its own on "
            "the line."
        ),
        "survival_line(len(lamps), last) -> survival_line(len(lamps), last)[::-1]": (
            "The line is turned round: block 1 comes first, with the highest "
            "probability."
        ),
        "math.prod(chances) -> 0.5 ** len(lamps)": (
            "All networks are taken for equally likely; those of more active blocks "
            "are likelier."
        ),
        "survival_line(len(lamps), last) -> [sum(survival_line(len(lamps), last)) / "
        "len(lamps)] * len(lamps)": (
            "Each block gets the line's mean; each has its own probability."
        ),
        "math.prod(chances) -> math.prod(chances) * math.comb(len(lamps), "
        "lamps.count('#'))": (
            "That counts all networks with as many active blocks; the one that is "
            "drawn is asked for."
        ),
        "math.prod(chances) -> 1 - math.prod(chances)": (
            "That is the probability of any other network."
        ),
        "survival_line(len(lamps), last) -> survival_line(len(lamps), 1 - last)": (
            "`last` is taken for the rate at which the last block is dropped."
        ),
    },
    hints=(
        "One factor a block: its p if it is active, `1 - p` if it is dropped.",
        "`zip(survival_line(len(lamps), last), lamps)` pairs them.",
    ),
)
def chance_of(lamps, last):
    """
    `lamps` shows a drawn network: `#` for an active block, `.` for a dropped one, from
    block 1 on. Return the probability that a mini-batch gets exactly this network.

    Each block is drawn independently of the others. All 54 at once are drawn every 22
    million mini-batches.
    """
    line = survival_line(len(lamps), last)
    chances = [p if lamp == "#" else 1 - p for p, lamp in zip(line, lamps, strict=True)]
    return math.prod(chances)


def draw_branches(rng):
    """Return branches of which one that is not the last turns values negative."""
    branches = [
        [round(rng.uniform(-0.8, 1), 2), round(rng.uniform(-0.5, 1), 2)]
        for _ in range(rng.randint(3, 5))
    ]
    place = rng.randrange(len(branches) - 1)
    branches[place] = [round(rng.uniform(-3, -1.5), 2), round(rng.uniform(-1, 0.2), 2)]
    return [round(rng.uniform(0.2, 3), 2), branches, draw_last(rng)]


@stochastic_depth.question(
    "Average all networks, or follow the rule",
    points=3,
    returns="a list `[average, rule]` of numbers",
    visible=(
        [1.0, [[0.5, 0.0], [0.25, 0.0]], 0.5],
        [1.0, [[-2.0, 0.5]], 0.5],
        [2.0, [[0.5, -0.5], [-1.5, 0.25], [1.0, 0.0]], 0.5],
    ),
    draw=draw_branches,
    slips={
        "chance_of(lamps, last) * y -> y / 2 ** len(branches)": (
            "All networks weigh the same in yours; each weighs as much as it is likely."
        ),
        "p * (slope * rule + shift) -> slope * rule + shift": (
            "The pass with the rule lets each branch count whole; it is multiplied by "
            "its survival."
        ),
        "p * (slope * rule + shift) -> p * slope * rule + shift": (
            "The rule multiplies the slope alone; the shift belongs to the branch, too."
        ),
        "p * (slope * rule + shift) -> last * (slope * rule + shift)": (
            "The rule multiplies every branch by `last`; each has its own survival."
        ),
        "y = max(y + slope * y + shift, 0.0) -> y = y + slope * y + shift": (
            "The ReLU behind the sum is missing in the drawn networks."
        ),
        "rule = max(rule + p * (slope * rule + shift), 0.0) -> rule = rule + p * "
        "(slope * rule + shift)": (
            "The ReLU behind the sum is missing in the pass with the rule."
        ),
        (
            "y = max(y + slope * y + shift, 0.0) -> y = y + slope * y + shift",
            "rule = max(rule + p * (slope * rule + shift), 0.0) -> rule = rule + p * "
            "(slope * rule + shift)",
        ): ("The ReLUs are missing; without them both numbers are always equal."),
        (
            "y = max(y + slope * y + shift, 0.0) -> y = max(slope * y + shift, 0.0)",
            "rule = max(rule + p * (slope * rule + shift), 0.0) -> rule = max(p * "
            "(slope * rule + shift), 0.0)",
        ): "The shortcut is missing: the block's input is added to its branch.",
        "y = max(y + slope * y + shift, 0.0) -> y = y + max(slope * y + shift, 0.0)": (
            "ReLU acts on the branch in the drawn networks; it stands behind the sum."
        ),
        "return [average, rule] -> average = x\n    for p, (slope, shift) in "
        "zip(line, branches):\n        average += p * (max(average + slope * average + "
        "shift, 0.0) - average)\n    return [average, rule]": (
            "The average is taken behind each block and passed on; the outputs of "
            "whole networks are averaged."
        ),
        (
            "y = max(y + slope * y + shift, 0.0) -> y = y + slope * y + shift",
            "chance_of(lamps, last) * y -> chance_of(lamps, last) * max(y, 0.0)",
            "rule = max(rule + p * (slope * rule + shift), 0.0) -> rule = rule + p * "
            "(slope * rule + shift)",
            "return [average, rule] -> return [average, max(rule, 0.0)]",
        ): (
            "ReLU acts once, at the end, in yours; it stands behind the sum of each "
            "block."
        ),
        "return [average, rule] -> return [average, average]": (
            "The second number is the average again; with ReLUs the rule gives another."
        ),
        "return [average, rule] -> return [rule, rule]": (
            "The first number is that of the rule; with ReLUs the average over all "
            "networks is another."
        ),
        "return [average, rule] -> return [rule, average]": (
            "The two numbers are exchanged: the average comes first."
        ),
        "y = x -> y = x if len(lamps) == 0 else max(x, 0.0) * ('#' in lamps)": (
            "A network without an active block gives 0 in yours; it passes x on."
        ),
    },
    hints=(
        'All networks: `itertools.product("#.", repeat=len(branches))`, and your '
        "`chance_of` weighs them.",
        "In a drawn network a dropped block leaves y as it is (x is not negative).",
        "The rule is one pass: `max(y + p * (slope * y + shift), 0)` block by block, "
        "with your `survival_line`.",
    ),
)
def average_or_rule(x, branches, last):
    """
    Blocks act on one number: an active one turns y into ReLU(y + f(y)), with f(y) =
    slope * y + shift, a dropped one leaves it. Return the average of all drawn
    networks' outputs, each weighed by its probability; and the output of one pass in
    which every f is multiplied by its block's survival (equation 5).

    `branches` has `[slope, shift]` for each block; the input `x` is not negative. Both
    numbers are equal as long as no ReLU cuts, as in the first case: that is why the
    rule is good. Where one cuts they differ, so that the rule is an approximation.
    """
    average = 0.0
    for lamps in itertools.product("#.", repeat=len(branches)):
        y = x
        for lamp, (slope, shift) in zip(lamps, branches, strict=True):
            if lamp == "#":
                y = max(y + slope * y + shift, 0.0)
        average += chance_of(lamps, last) * y
    rule = x
    line = survival_line(len(branches), last)
    for p, (slope, shift) in zip(line, branches, strict=True):
        rule = max(rule + p * (slope * rule + shift), 0.0)
    return [average, rule]


COPIED = (
    "The examples' 16 or 64 maps stand in yours; the first and the last width are "
    "asked for."
)


def draw_costs(rng):
    widths = list(itertools.accumulate(rng.randint(4, 40) for _ in range(3)))
    return [rng.randint(2, 20), widths, 4 * rng.randint(2, 12), draw_last(rng)]


@stochastic_depth.question(
    "What a training step costs",
    points=3,
    returns="a list `[all, mean]` of numbers",
    floats=True,
    visible=(
        [18, [16, 32, 64], 32, 0.5],
        [200, [16, 32, 64], 32, 0.5],
        [3, [16, 32, 64], 8, 0.5],
    ),
    draw=draw_costs,
    slips={
        "mean = sum(p * macs for p, macs in zip(line, costs, strict=True)) -> mean = "
        "sum(costs) * sum(line) / len(line)": (
            "The blocks' costs are multiplied by the mean survival; the blocks differ "
            "in cost, and so each has to be weighed by its own."
        ),
        "mean = sum(p * macs for p, macs in zip(line, costs, strict=True)) -> mean = "
        "sum(costs) * 3 / 4": (
            "Three quarters are taken of the blocks; weigh each with its own survival."
        ),
        "survival_line(len(costs), last) -> [last] * len(costs)": (
            "All blocks have the last one's probability in yours; each has its own on "
            "the line."
        ),
        "survival_line(len(costs), last) -> survival_line(blocks, last) * "
        "len(widths)": (
            "The line begins anew in each stage; it falls over all stages."
        ),
        "always + sum(costs) -> sum(costs)": (
            "The first number leaves out what stands in no block."
        ),
        "always + mean -> mean": (
            "The second number leaves out what stands in no block and is always "
            "computed."
        ),
        "side //= 2 -> pass": (
            "The maps stay as large as the picture; each later stage halves them."
        ),
        "maps + width) -> width + width)": (
            "The first convolution of a stage reads the maps of the stage before; "
            "there are fewer of them."
        ),
        "maps + width) -> maps + maps)": (
            "The second convolution of a block reads what the first one writes."
        ),
        "maps + width) -> maps)": (
            "One convolution a block is counted; there are two."
        ),
        "9 * side**2 -> side**2": "A 3x3 kernel has nine weights.",
        "27 * widths[0] -> 9 * widths[0]": (
            "The first convolution reads three colours."
        ),
        "+ 10 * widths[-1] -> ": "The dense layer is missing.",
        "10 * widths[-1] -> 640": COPIED,
        "27 * widths[0] * side**2 -> 432 * side**2": COPIED,
        (
            "10 * widths[-1] -> 640",
            "27 * widths[0] * side**2 -> 432 * side**2",
        ): COPIED,
        "10 * widths[-1] -> 10 * (widths[-1] + 1)": (
            "The dense layer's biases are counted; they are no multiply-adds."
        ),
        "27 * widths[0] * side**2 -> 27 * widths[0]": (
            "The first convolution's weights are counted, not its multiply-adds: it "
            "works at every place."
        ),
        "9 * side**2 -> 18 * side**2": (
            "A multiply-add counts twice in the blocks; MACs are asked for."
        ),
        "            maps = width ->             maps = maps": (
            "Every block of a stage reads the maps of the stage before; from the "
            "second on they read the stage's own."
        ),
    },
    hints=(
        "A list with the MACs of each block: 9 * side**2 * width * (maps that come in "
        "+ width).",
        "Only a stage's first block reads the maps of the stage before; it writes on "
        "the halved side already.",
        "Then weigh each block with its p. First convolution and dense layer are "
        "always computed.",
    ),
)
def step_macs(blocks, widths, side, last):
    """
    A 3x3 convolution reads a colour picture of `side` x `side` and writes `widths[0]`
    maps. Stages of `blocks` blocks each follow, then an average and a dense layer to
    ten classes. Return the multiply-adds of one forward pass with all blocks, and their
    mean if blocks are dropped by the survival line, and not computed then.

    A block of stage i has two 3x3 convolutions of `widths[i]` maps; the first one of
    each later stage halves the side. All convolutions are padded ("same").
    Shortcuts, BatchNorm and the average count nothing. The line falls over the blocks
    of all stages.
    """
    always = 27 * widths[0] * side**2 + 10 * widths[-1]
    costs = []
    maps = widths[0]
    for stage, width in enumerate(widths):
        if stage:
            side //= 2
        for _ in range(blocks):
            costs.append(9 * side**2 * width * (maps + width))
            maps = width
    line = survival_line(len(costs), last)
    mean = sum(p * macs for p, macs in zip(line, costs, strict=True))
    return [always + sum(costs), always + mean]


def draw_curves(rng):
    """Return two curves of errors, the first twice at its lowest in its second half."""
    epochs = rng.randint(6, 14)
    validation = [round(rng.uniform(4, 9), 1) for _ in range(epochs)]
    test = [round(value + rng.uniform(-1.5, 1.5), 1) for value in validation]
    low = round(min(validation) - 0.3, 1)
    first, second = sorted(rng.sample(range(epochs // 2, epochs), 2))
    validation[first] = validation[second] = low
    return [validation, test]


@stochastic_depth.question(
    "The error that is reported",
    points=2,
    returns="a list `[epoch, error, gain]`",
    visible=(
        [VALIDATION, TEST],
        [[9.0, 5.0, 6.0, 5.0], [9.5, 6.0, 4.5, 5.5]],
        [[8.0, 7.0, 6.0], [8.5, 7.5, 6.5]],
    ),
    draw=draw_curves,
    slips={
        "validation.index(min(validation)) -> test.index(min(test))": (
            "The epoch is chosen by the test error; then the test pictures have taken "
            "part in the choice."
        ),
        "validation.index(min(validation)) -> len(test) - 1": (
            "The last epoch is taken; the one of the lowest validation error is asked "
            "for."
        ),
        "validation.index(min(validation)) -> len(validation) - 1 - "
        "validation[::-1].index(min(validation))": (
            "Of equally low validation errors the last is taken; take the first."
        ),
        "validation.index(min(validation)) -> validation.index(max(validation))": (
            "The epoch of the highest validation error is taken; the lowest is asked "
            "for."
        ),
        "[place + 1, -> [place, ": "The epochs are counted from 0; the first is 1.",
        "[place + 1, test[place] -> [place + 1, validation[place]": (
            "The second number is the validation error; the test error of that epoch "
            "is asked for."
        ),
        "[place + 1, test[place] -> [place + 1, min(test)": (
            "The second number is the lowest test error of all epochs; that of the "
            "chosen epoch is asked for."
        ),
        "test[place] - min(test)] -> min(test) - test[place]]": (
            "The sign of the gain is turned round: it is how much lower the lowest "
            "test error is."
        ),
        "test[place] - min(test)] -> test[place] - min(validation)]": (
            "The gain compares test error with validation error; compare it with the "
            "lowest test error."
        ),
        "test[place] - min(test)] -> test[place] - test[-1]]": (
            "The gain compares with the last epoch; compare with the lowest test error."
        ),
        "test[place] - min(test)] -> (test[place] - min(test)) / test[place]]": (
            "The gain is relative; the difference in percentage points is asked for."
        ),
        "test[place] - min(test)] -> test[place] - min(test[place:])]": (
            "The lowest test error is looked for from the chosen epoch on; look at all "
            "epochs."
        ),
        "test[place] - min(test)] -> test[place] - min(test[: place + 1])]": (
            "The lowest test error is looked for up to the chosen epoch; look at all "
            "epochs."
        ),
        "test[place] - min(test)] -> min(test)]": (
            "The third number is the lowest test error; how much lower it is than the "
            "reported one is asked for."
        ),
    },
    hints=(
        "Find the place of the lowest validation error with `index`: it gives the "
        "first.",
        "The gain is `test[place] - min(test)`, never below 0.",
    ),
)
def reported_error(validation, test):
    """
    `validation` and `test` are a network's errors in % after each epoch. The paper
    reports the test error of the epoch with the lowest validation error. Return that
    epoch, counted from 1, its test error, and how many percentage points lower the
    lowest test error of all epochs is.

    Of equally low validation errors take the first. Who chose the epoch by the test
    error would gain the third number without a better network.
    """
    place = validation.index(min(validation))
    return [place + 1, test[place], test[place] - min(test)]


SHIFTED = (
    "Lines that begin at 1 with the first block are not found: there "
    "p = 1 - (l - 1) / (L - 1) * (1 - last)."
)
SWAPPED = (
    "Lines that fall to 1 - `last` are not found: the code takes `last` for the rate "
    "of dropping."
)


def departed(blocks, last, shifted, swapped, factors):
    """Return the case of gates with each departure of the line made or not."""
    end = 1 - last if swapped else last
    line = survival_line(blocks, end)
    if shifted:
        line = [1 - block / (blocks - 1) * (1 - end) for block in range(blocks)]
    gates = []
    for p in line:
        kept, test = {
            "paper": (1, p),
            "inverted": (1 / p, 1),
            "never": (1, 1),
            "twice": (1 / p, p),
            "same": (1, end),
        }[factors]
        gates.append([round(value, 4) for value in (p, kept, test)])
    return [last, gates]


LOW, HIGH = (0.15, 0.45), (0.55, 0.85)


def draw_impostor(shifted, swapped, lasts, *factors):
    """Return a function that draws gates of this line, with one of these factors."""

    def draw(rng):
        last = round(rng.uniform(*lasts), 2)
        blocks = rng.randint(3, 40)
        return departed(blocks, last, shifted, swapped, rng.choice(factors))

    return draw


@stochastic_depth.question(
    "Find the impostor",
    points=3,
    returns="a list of three truth values",
    visible=(
        departed(4, 0.5, False, False, "paper"),
        departed(4, 0.8, False, False, "inverted"),
        departed(4, 0.8, True, False, "never"),
        departed(4, 0.8, False, True, "twice"),
    ),
    draw=(
        draw_impostor(False, False, (0.5, 0.5), "never", "twice"),
        draw_impostor(False, False, (1, 1), "inverted", "never"),
        draw_impostor(False, False, HIGH, "never", "twice", "same"),
        draw_impostor(True, False, LOW, "never", "twice"),
        draw_impostor(False, True, LOW, "inverted", "same"),
        draw_impostor(False, True, HIGH, "paper", "twice"),
        draw_impostor(True, True, LOW, "never", "twice", "same"),
        draw_impostor(True, True, HIGH, "inverted", "paper"),
    ),
    slips={
        "[shifted, swapped, uncalibrated] -> [False, swapped, uncalibrated]": SHIFTED,
        "(block - 1) / (len(gates) - 1) -> (block - 1) / len(gates)": SHIFTED,
        "[shifted, swapped, uncalibrated] -> [shifted, False, uncalibrated]": SWAPPED,
        "return [shifted, swapped, uncalibrated] -> return [abs(gates[0][0] - 1) <= "
        "0.001, swapped, uncalibrated]": (
            "A first share of 1 is taken for a late line; where `last` is 1 the right "
            "line has it, too."
        ),
        "return [shifted, swapped, uncalibrated] -> return [shifted, gates[-1][0] < "
        "last - 0.001, uncalibrated]": (
            "Only a last share below `last` is found; where `last` is below 0.5, 1 - "
            "`last` lies above it."
        ),
        "return [shifted, swapped, uncalibrated] -> return [shifted, gates[-1][0] > "
        "last + 0.001, uncalibrated]": (
            "Only a last share above `last` is found; where `last` is above 0.5, 1 - "
            "`last` lies below it."
        ),
        "abs(share * kept - test) > 0.001 -> abs(share - test) > 0.001": (
            "The inverted form is taken for an impostor: a kept branch divided by p in "
            "training needs no factor at test."
        ),
        "abs(share * kept - test) > 0.001 -> test == 1": (
            "A factor of 1 at test is right in the inverted form: compare it with "
            "share * kept."
        ),
        "abs(share * kept - test) > 0.001 -> False": (
            "Factors that do not agree are not found: share * kept, the mean factor in "
            "training, must be the one at test."
        ),
        "abs(share * kept - test) > 0.001 -> abs(share * kept - test) <= 0.001": (
            "The third truth value is turned round."
        ),
        "any(abs -> all(abs": (
            "One block whose factors do not agree is enough; in some networks the "
            "first or the last block's agree."
        ),
        "share, kept, test in gates) -> share, kept, test in gates[-1:])": (
            "Only the last block's factors are compared; any block's may disagree."
        ),
        "share, kept, test in gates) -> share, kept, test in gates[:1])": (
            "Only the first block's factors are compared; any block's may disagree."
        ),
        "[shifted, swapped, uncalibrated] -> [swapped, shifted, uncalibrated]": (
            "The truth values stand in another order: line, rate, factors."
        ),
        "1 - last if swapped else last -> last if swapped else 1 - last": (
            "The second truth value is turned round: `last` is what the last block's "
            "share should be."
        ),
        "return [shifted, swapped, uncalibrated] -> return [shifted and not swapped, "
        "swapped and not shifted, uncalibrated]": (
            "Only single departures of the line are tried; an impostor may combine "
            "them."
        ),
    },
    hints=(
        "The shares should be your `survival_line(len(gates), last)`, within 0.001.",
        "Two departures change the line, each on or off: try all four lines. At a "
        "`last` of 0.5 the second changes nothing: say False.",
        "The mean factor in training is `share * kept`; at test the factor must be "
        "that.",
    ),
)
def depth_impostor(last, gates):
    """
    `gates` has `[share, kept, test]` for each block of somebody's network: in which
    share of mini-batches it was kept, the factor of its branch then, and at test.
    Return three truth values. Does the line begin at 1 with block 1? Is `last` the rate
    of dropping? Do mean factor in training and factor at test differ somewhere?

    The line should begin at 1 with the input, and end at `last`, not at 1 - `last`. A
    dropped branch counts 0 in the mean: the inverted form is in order. Numbers are
    rounded to four digits: take those within 0.001 for equal. A mistake that would give
    the right numbers, as the second one at a `last` of 0.5, is answered False. Public
    code has begun the line too late, and never applied the factor.
    """
    uncalibrated = any(abs(share * kept - test) > 0.001 for share, kept, test in gates)
    for shifted, swapped in itertools.product([False, True], repeat=2):
        end = 1 - last if swapped else last
        line = survival_line(len(gates), end)
        if shifted:
            steps = [
                (block - 1) / (len(gates) - 1) for block in range(1, len(gates) + 1)
            ]
            line = [1 - step * (1 - end) for step in steps]
        if all(abs(p - gate[0]) <= 0.001 for p, gate in zip(line, gates, strict=True)):
            return [shifted, swapped, uncalibrated]
    return [False, False, uncalibrated]
