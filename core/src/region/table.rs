//! The built-in map of regions.

/// Fine label, which is the former name of its voice servers; coarse label; airport codes.
pub(super) const TABLE: [(&str, &str, &str); 40] = [
    (
        "us-east",
        "us",
        "iad bgr bos buf orf phl pit rdu ric jfk lga",
    ),
    ("newark", "us", "ewr"),
    ("atlanta", "us", "atl"),
    ("st-pete", "us", "pie"),
    (
        "us-central",
        "us",
        "ord cle cmh den fsd ind mci mem msp okc oma phx stl dtw",
    ),
    (
        "us-south",
        "us",
        "dfw aus bna clt iah jax mfe mia sat tpa tlh",
    ),
    ("us-west", "us", "lax abq anc hnl las san sfo slc smf"),
    ("seattle", "us", "sea"),
    ("oregon", "us", "pdx"),
    ("santa-clara", "us", "sjc"),
    ("montreal", "us", "yul yhz yow yvr ywg yxe yyc yyz"),
    (
        "central-america",
        "us",
        "mex gdl qro gua pty sap tgu sjo bgi gnd kin pos sdq sti sju",
    ),
    (
        "brazil",
        "southamerica",
        "gru gig aru bel bnu bsb caw cfc cgb cnf cwb fln for gyn itj jdo joi mao nvt pmw \
         poa qwj rao rec sjk sjp sod ssa udi vcp vix xap",
    ),
    ("buenos-aires", "southamerica", "eze cor nqn"),
    ("santiago", "southamerica", "scl ari"),
    (
        "south-america",
        "southamerica",
        "lim bog lpb gye uio baq clo mde geo pbm",
    ),
    ("rotterdam", "eu", "rtm"),
    ("amsterdam", "eu", "ams"),
    ("frankfurt", "eu", "fra"),
    ("london", "eu", "lhr lon"),
    ("madrid", "eu", "mad"),
    ("milan", "eu", "mxp mil"),
    ("warsaw", "eu", "waw"),
    ("stockholm", "eu", "arn"),
    ("finland", "eu", "hel"),
    ("bucharest", "eu", "otp"),
    ("russia", "eu", "dme led kja svx"),
    (
        "europe",
        "eu",
        "cdg vie bru sof zag prg cph lys mrs bod tbs ath skg bud kef dub ork fco rom pmo \
         rix vno lux kiv kbp skp osl lis beg bts bcn bcg got gva zrh ist adb edi man dus \
         ham muc str txl ber cgn tia evn gyd llk msq lca",
    ),
    (
        "india",
        "asia",
        "bom maa del blr hyd ccu amd bbi cnn cok ixc knu nag pat",
    ),
    ("japan", "asia", "nrt hnd kix fuk oka"),
    ("singapore", "asia", "sin"),
    ("hongkong", "asia", "hkg mfm"),
    ("south-korea", "asia", "icn"),
    (
        "sydney",
        "asia",
        "syd mel akl adl bne cbr chc hba per nou suv gum ppt",
    ),
    (
        "asia",
        "asia",
        "bhy can cgd cgo csx ctu czx dlc foc fuo hak hfe hgh hyn jxg khn kmg kwe lhw nng \
         pkx sha sjw szx tao ten tna tsn tyn whu xfn xiy xnn zgn khh tpe uln ceb cgy crk \
         mnl cgk dps jog bkk cnx urt dad han sgn kch kul jhb bwn pnh vte cgp dac jsr cmb \
         isb khi lhe ktm pbh mle akx ala nqz tas",
    ),
    ("southafrica", "africa", "jnb cpt dur"),
    (
        "africa",
        "africa",
        "aae alg orn tun cai abj ask acc dkr los add dar ebb kgl mba nbo hre jib mru mpm \
         oua run lun fih lad wdh tnr",
    ),
    ("dubai", "middleeast", "dxb auh"),
    ("tel-aviv", "middleeast", "tlv hfa tel"),
    (
        "middle-east",
        "middleeast",
        "ruh jed dmm doh kwi bah mct bey amm bgw bsr ebl isu njf xnh zdm",
    ),
];
