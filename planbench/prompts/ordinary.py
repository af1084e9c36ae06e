"""Ordinary words for deceptive names: what they mean has nothing to do with what is planned.

The fields of planning domains are left out on purpose: moving, carrying, vehicles, places, containers, tools, meals,
space. So are words of PDDL and words that a prompt or the reader of replies knows, words that end like the plural of
another, and words that two others make together: `tests/prompts/test_ordinary.py` holds all of that. The four lists
have no word in common.
"""

from __future__ import annotations

_VERBS = """
admire amuse annoy apologize applaud argue astonish befriend betray blame bless blush boast brag caress celebrate charm
chuckle comfort complain confess congratulate console cough curse dance dare daydream defend delight deny despise
disagree doubt embarrass embrace encourage envy faint flatter flirt forgive frown gamble giggle gossip greet grieve
groan growl grumble hesitate howl hum hypnotize imitate improvise inspire insult invent invite itch joke kiss kneel
laugh listen loathe marry meditate memorize mimic mock mourn mumble mutter negotiate nod obey pardon persuade pity
ponder pout praise pray preach pretend promise protest punish quarrel rebel recite regret rejoice resent rhyme ridicule
salute scold shiver shout shrug sigh sing sleep smirk sneeze snore sob stammer startle sulk swear sympathize tease tempt
threaten tickle tremble trust vow wail weep whine whisper whistle wink worship yawn yell
"""

_QUALITIES = """
ambitious ancient angry anxious arrogant bashful bitter bizarre brave calm careless cautious clever clumsy cowardly
cranky cruel curious cynical dainty dizzy drowsy eager eccentric elegant exotic faithful famous fierce foolish fragile
frantic frugal furious fuzzy gentle gloomy gorgeous graceful greedy grumpy guilty harsh hasty haunted heroic hoarse
honest humble ignorant impatient innocent jealous jolly lazy lively lonely loyal lucky magical majestic merry miserable
modest moody mysterious naive naughty nervous noble nostalgic obscure odd peculiar pious playful polite pompous
precious proud quiet quirky reckless romantic royal rude sacred sarcastic selfish serene shabby shy sincere sly sober
solemn stubborn stylish superstitious talkative tame tender timid tragic ugly vague vain vicious vulgar wealthy weird
wicked witty youthful zealous
"""

_KINDS = """
anthem aunt autumn ballad baron birthday blizzard carnival century ceremony choir clown comedy cousin dentist destiny
detective dragon drizzle duchess echo eclipse emperor fable fairy festival friendship funeral ghost giant goblin holiday
horoscope hurricane icicle jester journalist knight lawyer legend lullaby melody mermaid midnight miracle monarch monk
myth nephew nightmare novel opera orchestra pianist pirate poet priest princess prophet proverb religion rhythm riddle
rumor sonnet sorrow sphinx sunrise symphony tango uncle vampire volcano waltz wedding widow winter witch wizard zodiac
"""

_THINGS = """
acorn alligator almond amber antelope badger bagpipe bamboo banjo beard beaver beetle bison blossom bonfire breeze
buffalo butterfly cactus camel canary caterpillar cello cheetah clarinet clover cobra cobweb coral cotton coyote crab
cricket crocodile crow daffodil daisy dandelion deer diamond dinosaur dolphin donkey eagle elbow elephant emerald
eyebrow falcon feather fern fiddle flamingo flea flute fossil fox freckle frog frost gazelle giraffe glacier goat goose
gorilla grasshopper guitar hamster harp hawk hedgehog heron hyena iguana iris ivory ivy jackal jaguar jasmine jellyfish
kangaroo kitten koala lavender leopard lilac lily lion lizard lobster lynx magnolia mammoth mandolin maple marigold
mistletoe moose mosquito moss moth mustache nettle nightingale oak ocelot octopus orchid ostrich otter owl panda panther
parrot peacock pearl pelican penguin pheasant pigeon poppy porcupine puppet rabbit raccoon rainbow raven reptile
rhinoceros rose sapphire sardine saxophone scorpion seagull shadow shark sheep silk skeleton skunk snail sparrow spider
squid squirrel starling stork swan tapestry thistle tiger toad tortoise trombone trumpet tulip turkey turtle velvet
violet violin vulture walnut walrus wasp weasel whale willow wolf wombat wren yak zebra
"""

VERBS = tuple(_VERBS.split())
"""For actions."""

QUALITIES = tuple(_QUALITIES.split())
"""For predicates."""

KINDS = tuple(_KINDS.split())
"""For domains, types, functions and constants; each can follow "a" or "an"."""

THINGS = tuple(_THINGS.split())
"""For problems and their objects."""
